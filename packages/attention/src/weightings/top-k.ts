import {
  cast,
  cumulativeSum,
  detach,
  equal,
  greater,
  lessEqual,
  logicalAnd,
  logicalOr,
  select,
  slice,
  subtract,
  sum,
  type Tensor,
  topK,
} from "@heed/tensor";
import { lowest, maskedSoftmax } from "../masked-softmax.ts";
import type { WeighFn } from "../weigh-fn.ts";

/** True at the k largest of each row; of equal ones at the last place the first are taken. */
function largest(x: Tensor, k: number): Tensor {
  const [B, H, T] = x.shape as [number, number, number];
  const { values } = topK(x, k);
  const last = slice(values, [0, 0, 0, k - 1], [B, H, T, 1]);
  const [above, ties] = [greater(x, last), equal(x, last)];
  const count = (mask: Tensor): Tensor => cast(mask, x.dtype);
  const room = subtract(k, sum(count(above), { axes: -1, keepDims: true }));
  return logicalOr(above, logicalAnd(ties, lessEqual(cumulativeSum(count(ties)), room)));
}

/**
 * The softmax over the k visible keys with the largest scores; the first of equal ones.
 *
 * Shapes: scores [B, H, T, S] -> the same.
 * @param options.k keys a query may use, a whole number >= 1; all where there are fewer
 * @throws RangeError if k is not a whole number >= 1
 * @see Zhao et al. 2019, Explicit Sparse Transformer, arXiv:1912.11637. Differs: exactly k where scores tie.
 * @example
 * const sparse = attention({ score: scaledDotScore(), weigh: topKWeighting({ k: 8 }) });
 */
export function topKWeighting({ k }: { readonly k: number }): WeighFn {
  if (!Number.isInteger(k) || k < 1)
    throw new RangeError(`topKWeighting: k is out of range, expected a whole number >= 1, got ${k}`);
  return (scores, mask) => {
    const S = scores.shape.at(-1)!;
    if (k >= S) return maskedSoftmax(scores, mask);
    const kept = largest(detach(mask ? select(mask, scores, lowest) : scores), k);
    return maskedSoftmax(scores, mask ? logicalAnd(kept, mask) : kept);
  };
}
