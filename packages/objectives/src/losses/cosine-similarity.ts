import { divide, maximum, multiply, sqrt, sum, type Tensor } from "@heed/tensor";
import { expectSameShape } from "./same-shape.ts";

/**
 * Cosine of the angle between rows, in [-1, 1].
 *
 * Shapes: a [..., D], b [..., D] -> [...]. DTypes: float, both equal.
 * Numerics: each squared length counts as at least epsilon squared, so a zero row gives 0 and a finite gradient.
 *
 * @param options.epsilon least length, > 0; default 1e-8
 * @throws ShapeError if the shapes differ; RangeError for an epsilon that is not positive
 * @see Salton and McGill 1983, Introduction to Modern Information Retrieval. As torch's cosine_similarity.
 * @example
 * cosineSimilarity(tensor([[1, 0]]), tensor([[1, 1]])); // [0.7071]
 */
export function cosineSimilarity(a: Tensor, b: Tensor, { epsilon = 1e-8 }: { readonly epsilon?: number } = {}): Tensor {
  expectSameShape("cosineSimilarity", ["a", a], ["b", b]);
  if (!(epsilon > 0 && epsilon < Infinity))
    throw new RangeError(`cosineSimilarity: epsilon is out of range, expected a finite number > 0, got ${epsilon}`);
  const lengthOf = (x: Tensor): Tensor => sqrt(maximum(sum(multiply(x, x), { axes: -1 }), epsilon * epsilon));
  return divide(sum(multiply(a, b), { axes: -1 }), multiply(lengthOf(a), lengthOf(b)));
}
