import { divide, maximum } from "@heed/tensor";
import type { WeighFn } from "../weigh-fn.ts";
import { visibleCount } from "./visible-count.ts";

/**
 * The same weight on every visible key, whatever the scores: the mean of the values, which tells what attention adds.
 *
 * Shapes: scores [B, H, T, S] -> the same.
 * @see Vaswani et al. 2017, Attention Is All You Need, arXiv:1706.03762, of which it is the limit of scale 0.
 */
export function uniformWeighting(): WeighFn {
  return (scores, mask) => {
    const { visible, count } = visibleCount(scores, mask);
    return divide(visible, maximum(count, 1));
  };
}
