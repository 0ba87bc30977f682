import type { NoiseFn } from "./noise-fn.ts";

/**
 * Begins at a random token and goes on from the front: the model must find the beginning.
 *
 * @see Lewis et al. 2020, BART, section 2.2 (Document Rotation), arXiv:1910.13461.
 * @example
 * documentRotation()(Int32Array.of(5, 6, 7), rng(0)); // 5 6 7, 6 7 5 or 7 5 6
 */
export function documentRotation(): NoiseFn {
  return (tokens, rng) => {
    if (tokens.length === 0) return tokens.slice();
    const from = rng.nextInteger(tokens.length);
    return Int32Array.of(...tokens.subarray(from), ...tokens.subarray(0, from));
  };
}
