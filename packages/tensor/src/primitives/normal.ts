import type { Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { type DrawOptions, draw, drawOne, fraction, rescale } from "./uniform.ts";

export const normalPrimitive = draw("normal", (words, pair) => {
  const radius = Math.sqrt(-2 * Math.log(1 - fraction(words[0]!)));
  const angle = 2 * Math.PI * fraction(words[1]!);
  pair[0] = radius * Math.cos(angle);
  pair[1] = radius * Math.sin(angle);
});

/**
 * Normal draws, computed in float64 and rounded: the same on every backend. None is farther than 5.8 std from the mean.
 *
 * @param options.mean finite; default 0
 * @param options.std standard deviation, finite, >= 0; default 1
 * @throws RangeError if mean or std is not finite, or std is negative
 * @see Box and Muller 1958, A Note on the Generation of Random Normal Deviates.
 */
export function normal(shape: Shape, options: DrawOptions & { readonly mean?: number; readonly std?: number }): Tensor {
  const { mean = 0, std = 1 } = options;
  if (!Number.isFinite(mean))
    throw new RangeError(`normal: mean is out of range, expected a finite number, got ${mean}`);
  if (!Number.isFinite(std) || std < 0)
    throw new RangeError(`normal: std is out of range, expected a finite number >= 0, got ${std}`);
  return rescale(drawOne(normalPrimitive, shape, options), std, mean);
}
