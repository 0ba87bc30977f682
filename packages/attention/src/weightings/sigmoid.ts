import { add, log, maximum, negate, select, sigmoid } from "@heed/tensor";
import type { WeighFn } from "../weigh-fn.ts";
import { visibleCount } from "./visible-count.ts";

/**
 * sigmoid(score + bias): keys do not compete, and rows need not sum to 1.
 *
 * Shapes: scores [B, H, T, S] -> the same.
 * @param options.bias added to each score, finite; default -ln(n), n the number of keys that the query sees
 * @throws RangeError if bias is not finite
 * @see Ramapuram et al. 2024, Theory, Analysis, and Best Practices for Sigmoid Self-Attention, arXiv:2409.04431.
 *   Differs: n counts the visible keys, not the sequence, so that padding and decoding step by step change nothing.
 * @example
 * const open = attention({ score: scaledDotScore(), weigh: sigmoidWeighting() });
 */
export function sigmoidWeighting({ bias }: { readonly bias?: number } = {}): WeighFn {
  if (bias !== undefined && !Number.isFinite(bias))
    throw new RangeError(`sigmoidWeighting: bias is out of range, expected a finite number, got ${bias}`);
  return (scores, mask) => {
    const shift = bias ?? negate(log(maximum(visibleCount(scores, mask).count, 1)));
    const weights = sigmoid(add(scores, shift));
    return mask ? select(mask, weights, 0) : weights;
  };
}
