import { fromArray, multiply, sum, type Tensor } from "@heed/tensor";

/**
 * Mean of losses, each by its weight; 0, with no gradient, where all weights are 0. Shapes: losses of as many elements as
 * weights -> [].
 */
export function weightedMean(losses: Tensor, weights: ArrayLike<number>): Tensor {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  const shares = Float64Array.from(weights, (weight) => (total === 0 ? 0 : weight / total));
  return sum(multiply(losses, fromArray(shares, losses.shape, { dtype: losses.dtype, backend: losses.backend })));
}
