import { createLinear, type Initializer, type Linear } from "@heed/nn";
import { ShapeError, type Tensor } from "@heed/tensor";
import { keepOutputs, rowsOfHeads } from "./keep-rows.ts";
import {
  checkHeadCounts,
  checkSources,
  groupsOf,
  headWidth,
  type Projected,
  type Projection,
  type ProjectionInput,
  type Rotate,
  toHeads,
} from "./projection.ts";

/** What a {@link SeparateProjection} is made of. */
export interface SeparateProjectionParts {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly numHeads: number;
  /** default numHeads; fewer share keys and values among query heads */
  readonly numKvHeads?: number | undefined;
}

/**
 * Three linear layers make queries, keys and values, which may come from tensors of different widths; values may have a
 * head width of their own.
 *
 * Shapes: query E -> H D, key Ek -> G D, value Ev -> G Dv.
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.2.2, arXiv:1706.03762.
 */
export class SeparateProjection implements Projection {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly dValue: number;

  /** @throws RangeError if heads do not divide; ShapeError if the layers do not fit them */
  constructor({ query, key, value, numHeads, numKvHeads = numHeads }: SeparateProjectionParts) {
    checkHeadCounts("SeparateProjection", numHeads, numKvHeads);
    const dQuery = headWidth("SeparateProjection", "query", query.dOut, numHeads);
    const dKey = headWidth("SeparateProjection", "key", key.dOut, numKvHeads);
    if (dKey !== dQuery)
      throw new ShapeError(
        `SeparateProjection: key has dHead=${dKey}, expected ${dQuery} (from query with dOut=${query.dOut} and ${numHeads} heads)`,
      );
    this.query = query;
    this.key = key;
    this.value = value;
    this.numHeads = numHeads;
    this.numKvHeads = numKvHeads;
    this.dValue = headWidth("SeparateProjection", "value", value.dOut, numKvHeads);
  }

  /** Shapes: x [B, T, E], keys [B, S, Ek], values [B, S, Ev] -> q [B, H, T, D], keys [B, G, S, D], values [B, G, S, Dv]. */
  project(input: ProjectionInput, rotate: Rotate): Projected {
    checkSources("SeparateProjection", input);
    return {
      q: this.queries(input.x, rotate),
      keys: rotate.key(toHeads(this.key.forward(input.keys), this.numKvHeads)),
      values: toHeads(this.value.forward(input.values), this.numKvHeads),
    };
  }

  queries(x: Tensor, rotate: Rotate): Tensor {
    return rotate.query(toHeads(this.query.forward(x), this.numHeads));
  }

  keepHeads(heads: readonly number[]): SeparateProjection {
    const { query, key, value, numHeads, numKvHeads, dValue } = this;
    const groups = groupsOf(heads, numHeads, numKvHeads);
    const dHead = query.dOut / numHeads;
    return new SeparateProjection({
      query: keepOutputs(query, rowsOfHeads(heads, dHead)),
      key: keepOutputs(key, rowsOfHeads(groups, dHead)),
      value: keepOutputs(value, rowsOfHeads(groups, dValue)),
      numHeads: heads.length,
      numKvHeads: groups.length,
    });
  }
}

/** Options of {@link createSeparateProjection}. */
export interface SeparateProjectionOptions {
  readonly dModel: number;
  /** width of what keys come from; default dModel */
  readonly dKeyContext?: number;
  /** width of what values come from; default dKeyContext */
  readonly dValueContext?: number;
  readonly numHeads: number;
  /** default numHeads */
  readonly numKvHeads?: number;
  /** default dModel / numHeads */
  readonly dHead?: number;
  /** default dHead */
  readonly dValue?: number;
  readonly weight: Initializer;
  /** first values of the biases; without it there are none */
  readonly bias?: Initializer | undefined;
}

/**
 * A {@link SeparateProjection} with new weights.
 *
 * @throws RangeError if dModel is not a multiple of numHeads and no dHead is given
 * @example
 * const projection = createSeparateProjection({ dModel: 8, numHeads: 2, dKeyContext: 6, weight: normalInit({ std: 0.1, rng: rng(0) }) });
 */
export function createSeparateProjection(options: SeparateProjectionOptions): SeparateProjection {
  const { dModel, dKeyContext = dModel, dValueContext = dKeyContext, numHeads, weight, bias } = options;
  const { numKvHeads = numHeads, dHead = dModel / numHeads, dValue = dHead } = options;
  if (!Number.isInteger(dHead) || dHead < 1)
    throw new RangeError(
      `createSeparateProjection: numHeads does not divide the width, expected a divisor of dModel=${dModel}, got ${numHeads}. Give dHead to choose another head width`,
    );
  const layer = (dIn: number, dOut: number) => createLinear({ dIn, dOut, weight, bias });
  return new SeparateProjection({
    query: layer(dModel, numHeads * dHead),
    key: layer(dKeyContext, numKvHeads * dHead),
    value: layer(dValueContext, numKvHeads * dValue),
    numHeads,
    numKvHeads,
  });
}
