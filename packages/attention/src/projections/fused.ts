import type { Linear } from "@heed/nn";
import { formatShape, linear, permute, reshape, ShapeError, slice, split, type Tensor } from "@heed/tensor";
import { keepOutputs, rowsOfHeads } from "./keep-rows.ts";
import {
  checkHeadCounts,
  checkSources,
  groupsOf,
  type Projected,
  type Projection,
  type ProjectionInput,
  type Rotate,
  toHeads,
} from "./projection.ts";

/** What a {@link FusedProjection} is made of. */
export interface FusedProjectionParts {
  readonly qkv: Linear;
  readonly numHeads: number;
  /** default numHeads; fewer share keys and values among query heads */
  readonly numKvHeads?: number | undefined;
}

/**
 * One linear layer makes queries, keys and values: rows of `qkv.weight` are the H query heads, then the G key heads, then
 * the G value heads, D rows each.
 *
 * Shapes: qkv E -> (H + 2 G) D.
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.2.2, arXiv:1706.03762; with G = 1, Shazeer 2019,
 *   arXiv:1911.02150; with G < H, Ainslie et al. 2023, GQA, arXiv:2305.13245.
 */
export class FusedProjection implements Projection {
  readonly qkv: Linear;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly dValue: number;

  /** @throws RangeError if heads do not divide; ShapeError if qkv does not fit them */
  constructor({ qkv, numHeads, numKvHeads = numHeads }: FusedProjectionParts) {
    checkHeadCounts("FusedProjection", numHeads, numKvHeads);
    const numParts = numHeads + 2 * numKvHeads;
    if (qkv.dOut % numParts !== 0) {
      throw new ShapeError(
        `FusedProjection: qkv has dOut=${qkv.dOut}, expected a multiple of ${numParts} heads (numHeads=${numHeads} + 2 x numKvHeads=${numKvHeads})`,
      );
    }
    this.qkv = qkv;
    this.numHeads = numHeads;
    this.numKvHeads = numKvHeads;
    this.dValue = qkv.dOut / numParts;
  }

  /** Shapes: x [B, T, E], keys and values [B, S, E] -> q [B, H, T, D], keys and values [B, G, S, D]. */
  project(input: ProjectionInput, rotate: Rotate): Projected {
    const { x, keys, values } = input;
    if (keys !== x || values !== x) return this.projectEach(input, rotate);
    const [q, k, v] = this.splitHeads(this.qkv.forward(x));
    return { q: rotate.query(q), keys: rotate.key(k), values: v };
  }

  queries(x: Tensor, rotate: Rotate): Tensor {
    return rotate.query(this.rows("x", x, 0, this.numHeads));
  }

  keepHeads(heads: readonly number[]): FusedProjection {
    const { numHeads: H, numKvHeads: G, dValue: D } = this;
    const groups = groupsOf(heads, H, G);
    const rows = [...rowsOfHeads(heads, D), ...rowsOfHeads(groups, D, H * D), ...rowsOfHeads(groups, D, (H + G) * D)];
    return new FusedProjection({ qkv: keepOutputs(this.qkv, rows), numHeads: heads.length, numKvHeads: groups.length });
  }

  private projectEach(input: ProjectionInput, rotate: Rotate): Projected {
    const { numHeads: H, numKvHeads: G } = this;
    checkSources("FusedProjection", input);
    return {
      q: this.queries(input.x, rotate),
      keys: rotate.key(this.rows("context", input.keys, H, G)),
      values: this.rows("valueContext", input.values, H + G, G),
    };
  }

  /** What `count` heads of the layer give, from head `start`. */
  private rows(argument: string, x: Tensor, start: number, count: number): Tensor {
    const { qkv, dValue: D } = this;
    if (x.shape.at(-1) !== qkv.dIn)
      throw new ShapeError(
        `FusedProjection: ${argument} has width ${x.shape.at(-1)} in shape ${formatShape(x.shape)}, expected ${qkv.dIn} (from qkv ${formatShape(qkv.weight.shape)}). Use a SeparateProjection for other widths`,
      );
    const weight = slice(qkv.weight, [start * D, 0], [count * D, qkv.dIn]);
    const bias = qkv.bias && slice(qkv.bias, [start * D], [count * D]);
    return toHeads(linear(x, weight, bias), count);
  }

  /** With equal head counts the kind of projection becomes the first axis: splitting it then shares memory. */
  private splitHeads(qkv_BTP: Tensor): [Tensor, Tensor, Tensor] {
    const { numHeads: H, numKvHeads: G, dValue: D } = this;
    const [B, T] = qkv_BTP.shape as [number, number];
    if (G === H) {
      const qkv_3BHTD = permute(reshape(qkv_BTP, [B, T, 3, H, D]), [2, 0, 3, 1, 4]);
      const parts = split(qkv_3BHTD, [1, 1, 1], { axis: 0 }).map((part) => reshape(part, [B, H, T, D]));
      return parts as [Tensor, Tensor, Tensor];
    }
    return split(toHeads(qkv_BTP, H + 2 * G), [H, G, G], { axis: 1 }) as [Tensor, Tensor, Tensor];
  }
}
