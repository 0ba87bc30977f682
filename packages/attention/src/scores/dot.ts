import { matmul } from "@heed/tensor";
import { checkWidths } from "../heads.ts";
import type { ScoreFn } from "../score-fn.ts";

/**
 * The dot product of query and key. Its variance grows with the width: see `scaledDotScore`.
 *
 * Shapes: q [B, H, T, D], k [B, H, S, D] -> [B, H, T, S].
 * Cost: O(T*S*D) time.
 * @throws ShapeError if widths differ
 * @see Luong et al. 2015, Effective Approaches to Attention-based Neural Machine Translation, section 3.1 ("dot"), arXiv:1508.04025.
 * @example
 * const luong = attention({ score: dotScore() });
 */
export function dotScore(): ScoreFn {
  const score = (...[q, k]: Parameters<ScoreFn>) => {
    checkWidths("dotScore", q, k);
    return matmul(q, k, { transposeB: true });
  };
  return Object.assign(score, { asDotProducts: (...[q, k]: Parameters<ScoreFn>) => ({ q, k, scale: 1 }) });
}
