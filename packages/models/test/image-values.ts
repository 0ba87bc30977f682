// What the tests of models that read images share.
import { countParameters } from "@heed/nn";
import {
  createMetaBackend,
  dataSync,
  multiply,
  type Rng,
  rng,
  scope,
  sum,
  type Tensor,
  uniform,
  valueAndGradients,
  withBackend,
} from "@heed/tensor";

/** Images of random pixels. Shapes: -> [B, rows, columns, C]. */
export const randomImages = (shape: readonly number[], seed = 7): Tensor => uniform(shape, { rng: rng(seed) });

/** Parameters of a model, counted without allocating. */
export const countOf = (build: (rng: Rng) => object): number =>
  withBackend(createMetaBackend(), () => scope(() => countParameters(build(rng(0)))));

/** Largest difference of two tensors. */
export const difference = (a: Tensor, b: Tensor): number => {
  const [left, right] = [Array.from(dataSync(a)), Array.from(dataSync(b))];
  if (a.shape.join() !== b.shape.join()) return Infinity;
  return left.reduce((most, value, i) => Math.max(most, Math.abs(value - right[i]!)), 0);
};

/** Losses of a few steps of plain gradient descent. */
export function descend(
  loss: () => Tensor,
  weights: readonly Tensor[],
  {
    steps,
    learningRate,
    assign,
  }: {
    readonly steps: number;
    readonly learningRate: number;
    readonly assign: (weight: Tensor, by: Tensor) => void;
  },
): number[] {
  return Array.from({ length: steps }, () =>
    scope(() => {
      const { value, gradients } = valueAndGradients(loss, weights);
      weights.forEach((weight, i) => void assign(weight, multiply(gradients[i]!, learningRate)));
      return dataSync(sum(value))[0]!;
    }),
  );
}
