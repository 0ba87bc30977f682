import type { Initializer } from "@heed/nn";
import { add, bindShapes, formatShape, matmul, ShapeError, type Tensor } from "@heed/tensor";
import type { ScoreFn } from "../score-fn.ts";
import { checkPerHead } from "./per-head.ts";

/** Weights of {@link bilinearScore}. */
export interface BilinearWeights {
  /** W, [Dq, Dk], or [H, Dq, Dk] with one for each head */
  readonly weight: Tensor;
  /** b, [1]; default none */
  readonly bias?: Tensor | undefined;
}

/** A bilinear score with its weights. */
export type BilinearScore = ScoreFn & BilinearWeights;

/**
 * q^T W k (+ b): a dot product after a learned map, so widths may differ.
 *
 * Shapes: q [B, H, T, Dq], k [B, H, S, Dk] -> [B, H, T, S].
 * Numerics: a softmax does not depend on b, so with it b gets no gradient, exactly.
 * Cost: O(T*Dq*Dk + T*S*Dk) time.
 * @throws ShapeError if the weights do not fit the vectors
 * @see Luong et al. 2015, Effective Approaches to Attention-based Neural Machine Translation, section 3.1 ("general"),
 *   arXiv:1508.04025. Differs: may add a bias, as AllenNLP does.
 * @example
 * const score = createBilinearScore({ dQuery: 4, dKey: 6, weight: normalInit({ std: 0.1, rng: rng(0) }) });
 */
export function bilinearScore({ weight, bias }: BilinearWeights): BilinearScore {
  if (bias && bias.size !== 1)
    throw new ShapeError(`bilinearScore: bias has shape ${formatShape(bias.shape)}, expected one value [1]`);
  checkPerHead("bilinearScore", "weight", weight, 2);
  const asDotProducts = (...[q, k]: Parameters<ScoreFn>) => {
    bindShapes("bilinearScore", { weight: [weight, "... Dq Dk"], q: [q, "B H T Dq"], k: [k, "B G S Dk"] });
    return { q: matmul(q, weight), k, scale: 1 };
  };
  const score = (...[q, k]: Parameters<ScoreFn>): Tensor => {
    const vectors = asDotProducts(q, k);
    const products = matmul(vectors.q, k, { transposeB: true });
    return bias ? add(products, bias) : products;
  };
  return Object.assign(score, { weight, bias, asDotProducts });
}

/** Options of {@link createBilinearScore}. */
export interface BilinearScoreOptions {
  readonly dQuery: number;
  /** default dQuery */
  readonly dKey?: number;
  /** a map for each of this many heads; default one for all */
  readonly numHeads?: number;
  /** first values of W */
  readonly weight: Initializer;
  /** first value of b; without it there is none */
  readonly bias?: Initializer;
}

/** A {@link bilinearScore} with new weights. */
export function createBilinearScore(options: BilinearScoreOptions): BilinearScore {
  const { dQuery, dKey = dQuery, numHeads, weight, bias } = options;
  const heads = numHeads === undefined ? [] : [numHeads];
  return bilinearScore({ weight: weight([...heads, dQuery, dKey]), bias: bias?.([1]) });
}
