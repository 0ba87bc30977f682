import { maskedSoftmax } from "../masked-softmax.ts";
import type { WeighFn } from "../weigh-fn.ts";

/**
 * e^score, divided by the sum over visible keys.
 *
 * Shapes: scores [B, H, T, S] -> the same.
 * Numerics: subtracts the row maximum.
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.2.1, arXiv:1706.03762.
 */
export function softmaxWeighting(): WeighFn {
  return Object.assign((...[scores, mask]: Parameters<WeighFn>) => maskedSoftmax(scores, mask), { isSoftmax: true });
}
