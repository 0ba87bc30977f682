import type { WeighFn } from "../weigh-fn.ts";
import { hardMax } from "./hard-max.ts";

/**
 * All weight on the key with the largest score, the first of several: the query looks the value up.
 *
 * It cannot learn where to look: a small change of a query or key changes no weight, so their gradient is 0, exactly,
 * everywhere it is defined. Only values learn. `straightThroughWeighting` keeps the lookup and borrows a gradient.
 *
 * Shapes: scores [B, H, T, S] -> the same.
 * @see Xu et al. 2015, Show, Attend and Tell, section 4.1 (hard attention), arXiv:1502.03044. Differs: the largest, not a sample.
 * @example
 * const lookUp = attention({ score: dotScore(), weigh: argmaxWeighting() });
 */
export function argmaxWeighting(): WeighFn {
  return (scores, mask) => hardMax(scores, mask);
}
