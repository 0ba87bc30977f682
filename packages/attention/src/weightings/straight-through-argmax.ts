import { maskedSoftmax } from "../masked-softmax.ts";
import type { WeighFn } from "../weigh-fn.ts";
import { hardMax } from "./hard-max.ts";
import { straightThrough } from "./straight-through.ts";

/**
 * The argmax going forward, the gradient of the softmax going back: a hard lookup that learns. The gradient is a
 * surrogate, not the derivative of what is computed.
 *
 * Shapes: scores [B, H, T, S] -> the same.
 * @see Bengio et al. 2013, Estimating or Propagating Gradients Through Stochastic Neurons, section 4, arXiv:1308.3432.
 * @example
 * const lookUp = attention({ score: scaledDotScore(), weigh: straightThroughWeighting() });
 */
export function straightThroughWeighting(): WeighFn {
  return (scores, mask) => straightThrough(hardMax(scores, mask), maskedSoftmax(scores, mask));
}
