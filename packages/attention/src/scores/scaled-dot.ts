import { matmul, multiply } from "@heed/tensor";
import { checkWidths } from "../heads.ts";
import type { ScoreFn } from "../score-fn.ts";

/**
 * The dot product of query and key times a scale: with 1 / sqrt(D) its variance is that of one product, whatever the width.
 *
 * Shapes: q [B, H, T, D], k [B, H, S, D] -> [B, H, T, S].
 * Cost: O(T*S*D) time.
 * @param options.scale finite; default 1 / sqrt(D)
 * @throws RangeError if scale is not finite; ShapeError if widths differ
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.2.1, arXiv:1706.03762.
 * @example
 * const usual = attention({ score: scaledDotScore() });
 * usual.kernel; // "scaledDotProductAttention"
 */
export function scaledDotScore({ scale }: { readonly scale?: number } = {}): ScoreFn {
  if (scale !== undefined && !Number.isFinite(scale))
    throw new RangeError(`scaledDotScore: scale is out of range, expected a finite number, got ${scale}`);
  const asDotProducts = (...[q, k]: Parameters<ScoreFn>) => ({ q, k, scale: scale ?? 1 / Math.sqrt(q.shape.at(-1)!) });
  const score = (...[q, k]: Parameters<ScoreFn>) => {
    checkWidths("scaledDotScore", q, k);
    return multiply(matmul(q, k, { transposeB: true }), asDotProducts(q, k).scale);
  };
  return Object.assign(score, { asDotProducts });
}
