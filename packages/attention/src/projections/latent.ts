import type { Linear, Norm } from "@heed/nn";
import { broadcast, concatenate, expandDims, reshape, ShapeError, split, type Tensor } from "@heed/tensor";
import { keepOutputs, rowsOfHeads } from "./keep-rows.ts";
import type { LowRankLinear } from "./low-rank-linear.ts";
import {
  checkHeadCounts,
  checkSources,
  headWidth,
  type KeysAndValues,
  type Projected,
  type Projection,
  type ProjectionInput,
  type Rotate,
  toHeads,
} from "./projection.ts";

/** What a {@link LatentProjection} is made of. */
export interface LatentProjectionParts {
  /** E -> H (dContent + dRotary): for each head the content part, then the rotary part */
  readonly query: Linear | LowRankLinear;
  /** E -> R + dRotary: the latent of keys and values, then the rotary key that all heads share */
  readonly down: Linear;
  /** over the latent; default none */
  readonly norm?: Norm | undefined;
  /** R -> H (dContent + Dv): for each head the content part of its key, then its value */
  readonly up: Linear;
  readonly numHeads: number;
  /** width of the part that a rotary encoding turns, even; 0: no such part */
  readonly dRotary: number;
}

/**
 * Multi-head latent attention: keys and values of all heads are linear functions of one short latent, which is all that a
 * cache has to store, beside one rotary key that the heads share.
 *
 * Shapes: x [B, T, E] -> q [B, H, T, dContent + dRotary]; stored [B, 1, S, R] and [B, 1, S, dRotary]; expanded k
 * [B, H, S, dContent + dRotary] and v [B, H, S, Dv]. Keys and values come from one tensor.
 * @see DeepSeek-AI 2024, DeepSeek-V2, section 2.1, equations 9 to 19, arXiv:2405.04434.
 */
export class LatentProjection implements Projection {
  readonly query: Linear | LowRankLinear;
  readonly down: Linear;
  readonly norm: Norm | undefined;
  readonly up: Linear;
  readonly numHeads: number;
  readonly dRotary: number;
  readonly dValue: number;
  private readonly dContent: number;

  /** @throws RangeError if numHeads or dRotary is no count; ShapeError if the layers do not fit */
  constructor({ query, down, norm, up, numHeads, dRotary }: LatentProjectionParts) {
    checkHeadCounts("LatentProjection", numHeads, numHeads);
    if (!Number.isInteger(dRotary) || dRotary < 0)
      throw new RangeError(`LatentProjection: dRotary is out of range, expected a whole number >= 0, got ${dRotary}`);
    if (down.dOut - dRotary !== up.dIn)
      throw new ShapeError(
        `LatentProjection: down has dOut=${down.dOut}, expected ${up.dIn + dRotary} (from up with dIn=${up.dIn} + dRotary=${dRotary})`,
      );
    const dContent = headWidth("LatentProjection", "query", query.dOut, numHeads) - dRotary;
    const dValue = headWidth("LatentProjection", "up", up.dOut, numHeads) - dContent;
    if (dContent < 1 || dValue < 1)
      throw new ShapeError(
        `LatentProjection: query has dOut=${query.dOut} and up dOut=${up.dOut}, expected ${numHeads} heads of dContent + dRotary=${dRotary} and of dContent + dValue, both at least 1, got dContent=${dContent} and dValue=${dValue}`,
      );
    this.query = query;
    this.down = down;
    this.norm = norm;
    this.up = up;
    this.numHeads = numHeads;
    this.dRotary = dRotary;
    this.dContent = dContent;
    this.dValue = dValue;
  }

  get numKvHeads(): number {
    return this.numHeads;
  }

  project(input: ProjectionInput, rotate: Rotate): Projected {
    checkSources("LatentProjection", input);
    if (input.keys !== input.values)
      throw new TypeError(
        "LatentProjection: valueContext is another tensor than context, expected one source of keys and values, got two. Use a SeparateProjection",
      );
    const { dRotary } = this;
    const narrow = this.down.forward(input.keys);
    const [latent, key] = split(narrow, [this.up.dIn, dRotary], { axis: -1 }) as [Tensor, Tensor];
    const leveled = this.norm ? this.norm.forward(latent) : latent;
    const shared = expandDims(key, 1);
    return {
      q: this.queries(input.x, rotate),
      keys: expandDims(leveled, 1),
      values: dRotary > 0 ? rotate.key(shared) : shared,
    };
  }

  queries(x: Tensor, rotate: Rotate): Tensor {
    const q = toHeads(this.query.forward(x), this.numHeads);
    if (this.dRotary === 0) return q;
    const [content, rotary] = split(q, [this.dContent, this.dRotary], { axis: -1 }) as [Tensor, Tensor];
    return concatenate([content, rotate.query(rotary)], { axis: -1 });
  }

  expand({ keys: latent, values: rotary }: KeysAndValues): KeysAndValues {
    const { numHeads: H, dContent, dValue, dRotary } = this;
    const [B, , S, R] = latent.shape as [number, number, number, number];
    const heads = toHeads(this.up.forward(reshape(latent, [B, S, R])), H);
    const [content, values] = split(heads, [dContent, dValue], { axis: -1 }) as [Tensor, Tensor];
    if (dRotary === 0) return { keys: content, values };
    return { keys: concatenate([content, broadcast(rotary, [B, H, S, dRotary])], { axis: -1 }), values };
  }

  keepHeads(heads: readonly number[]): LatentProjection {
    const { query, up, dContent, dRotary, dValue } = this;
    const rows = rowsOfHeads(heads, dContent + dRotary);
    return new LatentProjection({
      ...this,
      query: "down" in query ? query.keepOutputs(rows) : keepOutputs(query, rows),
      up: keepOutputs(up, rowsOfHeads(heads, dContent + dValue)),
      numHeads: heads.length,
    });
  }
}
