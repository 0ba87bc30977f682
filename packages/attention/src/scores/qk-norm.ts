import type { Norm } from "@heed/nn";
import type { ScoreFn } from "../score-fn.ts";

/** The norms of queries and of keys, over the head width. */
export interface QueryKeyNorms {
  readonly query: Norm;
  readonly key: Norm;
}

/**
 * A score of normalized queries and keys: their length can no longer make the softmax saturate.
 *
 * Comes after rotary positions; models that normalize before them take `normalizedProjection`.
 *
 * Shapes: as the score; the norms are over the head width D.
 * @see Henry et al. 2020, Query-Key Normalization for Transformers, arXiv:2010.04245 (l2Norm); Dehghani et al. 2023,
 *   Scaling Vision Transformers to 22 Billion Parameters, section 2, arXiv:2302.05442 (layer norm).
 * @example
 * const henry = attention({ score: qkNorm(scaledDotScore({ scale: 10 }), { query: l2Norm(), key: l2Norm() }) });
 */
export function qkNorm(score: ScoreFn, { query, key }: QueryKeyNorms): ScoreFn & QueryKeyNorms & { score: ScoreFn } {
  const normalized = (...[q, k]: Parameters<ScoreFn>) => score(query.forward(q), key.forward(k));
  const products = score.asDotProducts;
  const asDotProducts = products && ((...[q, k]: Parameters<ScoreFn>) => products(query.forward(q), key.forward(k)));
  return Object.assign(normalized, { score, query, key, asDotProducts });
}
