import { matmul } from "@heed/tensor";
import { checkWidths } from "../heads.ts";
import type { ScoreFn } from "../score-fn.ts";
import { normalizeLength } from "./l2-norm.ts";

/**
 * The cosine of the angle between query and key, in [-1, 1]; 0 for a zero vector. Too flat for a softmax over many keys:
 * give it a learned temperature.
 *
 * Shapes: q [B, H, T, D], k [B, H, S, D] -> [B, H, T, S].
 * Cost: O(T*S*D) time.
 * @throws ShapeError if widths differ
 * @see Graves et al. 2014, Neural Turing Machines, section 3.3.1, arXiv:1410.5401; with a temperature: Liu et al. 2022,
 *   Swin Transformer V2, section 3.2, arXiv:2111.09883.
 * @example
 * const score = learnedTemperature(cosineScore(), { logScale: zerosInit()([2]) });
 */
export function cosineScore(): ScoreFn {
  const unit = (x: Parameters<ScoreFn>[0]) => normalizeLength(x, 1e-12);
  const score = (...[q, k]: Parameters<ScoreFn>) => {
    checkWidths("cosineScore", q, k);
    return matmul(unit(q), unit(k), { transposeB: true });
  };
  const asDotProducts = (...[q, k]: Parameters<ScoreFn>) => ({ q: unit(q), k: unit(k), scale: 1 });
  return Object.assign(score, { asDotProducts });
}
