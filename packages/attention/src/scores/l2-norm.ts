import type { Norm } from "@heed/nn";
import { divide, maximum, multiply, sqrt, sum, type Tensor } from "@heed/tensor";

/** x divided by its length over the last axis, which counts as `epsilon` at least. */
export function normalizeLength(x: Tensor, epsilon: number): Tensor {
  const squares = sum(multiply(x, x), { axes: -1, keepDims: true });
  // The floor is under the root, where the gradient at length 0 would be infinite.
  return divide(x, sqrt(maximum(squares, epsilon * epsilon)));
}

/**
 * A norm without weights: every vector has length 1; the zero vector stays 0.
 *
 * Shapes: x [..., E] -> [..., E].
 * @param options.epsilon smallest length to divide by, > 0; default 1e-12
 * @throws RangeError if epsilon is not a positive finite number
 * @see Henry et al. 2020, Query-Key Normalization for Transformers, arXiv:2010.04245.
 */
export function l2Norm({ epsilon = 1e-12 }: { readonly epsilon?: number } = {}): Norm {
  if (!(epsilon > 0 && Number.isFinite(epsilon)))
    throw new RangeError(`l2Norm: epsilon is out of range, expected a finite number > 0, got ${epsilon}`);
  return { forward: (x) => normalizeLength(x, epsilon) };
}
