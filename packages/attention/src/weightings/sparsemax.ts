import {
  add,
  arange,
  cast,
  cumulativeSum,
  detach,
  divide,
  greater,
  multiply,
  select,
  subtract,
  sum,
  type Tensor,
  topK,
} from "@heed/tensor";
import type { WeighFn } from "../weigh-fn.ts";
import { belowMaximum } from "./below-maximum.ts";

const last = { axes: -1, keepDims: true } as const;

/** True for the keys that get weight: the k largest, k the last with 1 + k z_k > z_1 + ... + z_k. */
function supportOf(z: Tensor): Tensor {
  const S = z.shape.at(-1)!;
  const { values } = topK(z, S);
  const ranks = cast(arange(1, S + 1, { backend: z.backend }), z.dtype);
  const sums = cumulativeSum(values);
  const within = greater(add(multiply(values, ranks), 1), sums);
  const count = sum(cast(within, z.dtype), last);
  const total = sum(select(within, values, 0), last);
  return greater(z, divide(subtract(total, 1), count));
}

/**
 * The point of the probability simplex nearest to the scores: probabilities that are exactly 0 far below the best.
 *
 * Shapes: scores [B, H, T, S] -> the same.
 * Numerics: differentiable except where a key enters or leaves; there it has the gradient of one side.
 * Cost: sorts each row, O(S*S) time where the backend sorts by insertion.
 * @see Martins and Astudillo 2016, From Softmax to Sparsemax, algorithm 1, arXiv:1602.02068.
 * @example
 * const sparse = attention({ score: scaledDotScore(), weigh: sparsemaxWeighting() });
 */
export function sparsemaxWeighting(): WeighFn {
  return (scores, mask) => {
    // a key 1 or more below the best gets nothing
    const z = belowMaximum(scores, mask, -2);
    const support = supportOf(detach(z));
    // with the support known, the threshold is a mean: its gradient is exact
    const threshold = divide(subtract(sum(select(support, z, 0), last), 1), sum(cast(support, z.dtype), last));
    const probs = select(support, subtract(z, threshold), 0);
    return mask ? select(mask, probs, 0) : probs;
  };
}
