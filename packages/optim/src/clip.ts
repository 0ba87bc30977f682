import { add, divide, globalNorm, minimum, scope, type Tensor } from "@heed/tensor";

/**
 * The global L2 norm of gradients, and the factor that brings it down to `maxNorm`.
 *
 * Hand the factor to `Optimizer.step` as `scale`: gradients are then scaled inside the update, without another pass.
 * Shapes: both results are scalars []. factor = min(1, maxNorm / (norm + 1e-6)).
 * @param maxNorm > 0
 * @throws RangeError if maxNorm is not a finite number > 0
 * @see Pascanu et al. 2012, On the difficulty of training recurrent neural networks, section 3.2, arXiv:1211.5063.
 *   As torch.nn.utils.clip_grad_norm_.
 * @example
 * const { norm, scale } = clipGlobalNorm(gradients, 1);
 */
export function clipGlobalNorm(gradients: readonly Tensor[], maxNorm: number): { norm: Tensor; scale: Tensor } {
  if (!(maxNorm > 0 && maxNorm < Infinity)) {
    throw new RangeError(`clipGlobalNorm: maxNorm is out of range, expected a finite number > 0, got ${maxNorm}`);
  }
  return scope(() => {
    const norm = globalNorm(gradients);
    return { norm, scale: minimum(divide(maxNorm, add(norm, 1e-6)), 1) };
  });
}
