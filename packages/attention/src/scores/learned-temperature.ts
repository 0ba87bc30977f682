import { exp, multiply, type Tensor } from "@heed/tensor";
import type { ScoreFn } from "../score-fn.ts";
import { headColumn } from "./per-head.ts";

/** The weight of {@link learnedTemperature}. */
export interface Temperature {
  /** logarithm of what multiplies the scores: [1] for all heads or [H] */
  readonly logScale: Tensor;
}

/**
 * A score times e^logScale, which is learned: one number for all heads, or one for each.
 *
 * Shapes: as the score.
 * @throws ShapeError if logScale is neither [1] nor [H]
 * @see Liu et al. 2022, Swin Transformer V2, section 3.2, arXiv:2111.09883. Differs: the scale is unbounded.
 * @example
 * const score = learnedTemperature(cosineScore(), { logScale: constantInit(Math.log(10))([1]) });
 */
export function learnedTemperature(
  score: ScoreFn,
  { logScale }: Temperature,
): ScoreFn & Temperature & { readonly score: ScoreFn } {
  const scaleOf = (q: Tensor) => exp(headColumn("learnedTemperature", "logScale", logScale, q.shape[1]!));
  const scaled = (...[q, k]: Parameters<ScoreFn>) => multiply(score(q, k), scaleOf(q));
  const products = score.asDotProducts;
  const asDotProducts =
    products &&
    ((...[q, k]: Parameters<ScoreFn>) => {
      const vectors = products(q, k);
      return { ...vectors, q: multiply(vectors.q, scaleOf(q)) };
    });
  return Object.assign(scaled, { score, logScale, asDotProducts });
}
