import {
  arange,
  cast,
  cumulativeSum,
  detach,
  divide,
  greater,
  greaterEqual,
  maximum,
  multiply,
  select,
  sqrt,
  subtract,
  sum,
  type Tensor,
  topK,
} from "@heed/tensor";
import type { WeighFn } from "../weigh-fn.ts";
import { belowMaximum } from "./below-maximum.ts";

const last = { axes: -1, keepDims: true } as const;

/** The threshold tau with sum of (z - tau)^2 = 1, from count, sum and sum of squares of the keys above it. */
function thresholdOf(count: Tensor, total: Tensor, squares: Tensor): Tensor {
  const mean = divide(total, count);
  const spread = subtract(squares, multiply(mean, total));
  return subtract(mean, sqrt(maximum(divide(subtract(1, spread), count), 0)));
}

/** True for the keys that get weight: the k largest, k the last whose threshold lies below the k-th. */
function supportOf(z: Tensor): Tensor {
  const S = z.shape.at(-1)!;
  const { values } = topK(z, S);
  const ranks = cast(arange(1, S + 1, { backend: z.backend }), z.dtype);
  const thresholds = thresholdOf(ranks, cumulativeSum(values), cumulativeSum(multiply(values, values)));
  const within = greaterEqual(values, thresholds);
  const count = sum(cast(within, z.dtype), last);
  const total = sum(select(within, values, 0), last);
  const squares = sum(select(within, multiply(values, values), 0), last);
  return greater(z, thresholdOf(count, total, squares));
}

/**
 * Halfway between softmax and sparsemax: probs = max(score / 2 - tau, 0)^2, tau such that they sum to 1.
 *
 * Shapes: scores [B, H, T, S] -> the same.
 * Cost: sorts each row, O(S*S) time where the backend sorts by insertion.
 * @see Peters et al. 2019, Sparse Sequence-to-Sequence Models, algorithm 2, arXiv:1905.05702.
 * @example
 * const sparse = attention({ score: scaledDotScore(), weigh: entmax15Weighting() });
 */
export function entmax15Weighting(): WeighFn {
  return (scores, mask) => {
    // a key whose half score is 1 or more below the best gets nothing
    const z = belowMaximum(multiply(scores, 0.5), mask, -2);
    const support = supportOf(detach(z));
    // with the support known, the threshold is a smooth function of its scores: its gradient is exact
    const supported = select(support, z, 0);
    const sums = [sum(supported, last), sum(multiply(supported, supported), last)] as const;
    const height = subtract(z, thresholdOf(sum(cast(support, z.dtype), last), ...sums));
    const probs = select(support, multiply(height, height), 0);
    return mask ? select(mask, probs, 0) : probs;
  };
}
