/**
 * Patches with mean 0 and variance 1, each by its own: (x - mean) / sqrt(variance + 1e-6), with the unbiased variance as
 * the authors' code has. A patch of one value becomes 0.
 *
 * @see He et al. 2022, Masked Autoencoders Are Scalable Vision Learners, section 3, arXiv:2111.06377.
 */
export function normalizePatches(patches: Float32Array, dPatch: number): Float32Array {
  const normal = new Float32Array(patches.length);
  for (let at = 0; at < patches.length; at += dPatch) {
    const patch = patches.subarray(at, at + dPatch);
    const mean = patch.reduce((sum, value) => sum + value, 0) / dPatch;
    const squares = patch.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const scale = 1 / Math.sqrt(squares / Math.max(1, dPatch - 1) + 1e-6);
    patch.forEach((value, i) => {
      normal[at + i] = (value - mean) * scale;
    });
  }
  return normal;
}
