import type { Initializer } from "@heed/nn";
import { add, bindShapes, expandDims, matmul, multiply, reshape, sum, type Tensor, tanh } from "@heed/tensor";
import type { ScoreFn } from "../score-fn.ts";
import { checkPerHead } from "./per-head.ts";

/** Weights of {@link additiveScore}; all may have a first axis H: then each head has its own. */
export interface AdditiveWeights {
  /** W, [A, Dq] */
  readonly queryWeight: Tensor;
  /** U, [A, Dk] */
  readonly keyWeight: Tensor;
  /** v, [A] */
  readonly vector: Tensor;
}

/** An additive score with its weights. */
export type AdditiveScore = ScoreFn & AdditiveWeights;

/**
 * v^T tanh(W q + U k): a small network with one layer of tanh units reads query and key, whose widths may differ.
 *
 * Shapes: q [B, H, T, Dq], k [B, H, S, Dk] -> [B, H, T, S]; W [A, Dq], U [A, Dk], v [A], or [H, ...] of each.
 * Cost: O(T*S*A) time and memory.
 * @throws ShapeError if the weights do not fit each other or the vectors
 * @see Bahdanau et al. 2015, Neural Machine Translation by Jointly Learning to Align and Translate, appendix A.1.2, arXiv:1409.0473.
 * @example
 * const score = createAdditiveScore({ dQuery: 4, dScore: 6, weight: normalInit({ std: 0.1, rng: rng(0) }) });
 * const bahdanau = attention({ score });
 */
export function additiveScore({ queryWeight, keyWeight, vector }: AdditiveWeights): AdditiveScore {
  for (const [name, weight] of Object.entries({ queryWeight, keyWeight }))
    checkPerHead("additiveScore", name, weight, 2);
  checkPerHead("additiveScore", "vector", vector, 1);
  bindShapes("additiveScore", {
    queryWeight: [queryWeight, "... A Dq"],
    keyWeight: [keyWeight, "... A Dk"],
    vector: [vector, "... A"],
  });
  const score = (...[q, k]: Parameters<ScoreFn>): Tensor => {
    bindShapes("additiveScore", {
      queryWeight: [queryWeight, "... A Dq"],
      keyWeight: [keyWeight, "... A Dk"],
      q: [q, "B H T Dq"],
      k: [k, "B H S Dk"],
    });
    const queries_BHT1A = expandDims(matmul(q, queryWeight, { transposeB: true }), 3);
    const keys_BH1SA = expandDims(matmul(k, keyWeight, { transposeB: true }), 2);
    const units_BHTSA = tanh(add(queries_BHT1A, keys_BH1SA));
    const A = vector.shape.at(-1)!;
    const vectors = reshape(vector, [...vector.shape.slice(0, -1), 1, 1, A]);
    return sum(multiply(units_BHTSA, vectors), { axes: -1 });
  };
  return Object.assign(score, { queryWeight, keyWeight, vector });
}

/** Options of {@link createAdditiveScore}. */
export interface AdditiveScoreOptions {
  readonly dQuery: number;
  /** default dQuery */
  readonly dKey?: number;
  /** tanh units (A); default dQuery */
  readonly dScore?: number;
  /** weights for each of this many heads; default one for all */
  readonly numHeads?: number;
  /** first values of W, U and v */
  readonly weight: Initializer;
}

/** An {@link additiveScore} with new weights. */
export function createAdditiveScore(options: AdditiveScoreOptions): AdditiveScore {
  const { dQuery, dKey = dQuery, dScore = dQuery, numHeads, weight } = options;
  const heads = numHeads === undefined ? [] : [numHeads];
  return additiveScore({
    queryWeight: weight([...heads, dScore, dQuery]),
    keyWeight: weight([...heads, dScore, dKey]),
    vector: weight([...heads, dScore]),
  });
}
