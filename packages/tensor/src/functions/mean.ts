import { expectDType } from "../apply.ts";
import { divide } from "../primitives/divide.ts";
import { multiply } from "../primitives/multiply.ts";
import type { ReduceOptions } from "../primitives/reduce.ts";
import { subtract } from "../primitives/subtract.ts";
import { sum } from "../primitives/sum.ts";
import { normalizeAxes } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

function countOver(where: string, x: Tensor, axes: ReduceOptions["axes"]): number {
  expectDType(where, { x }, "float32", "float64");
  return normalizeAxes(where, axes, x.shape.length).reduce((count, axis) => count * x.shape[axis]!, 1);
}

/**
 * Average over axes; NaN over an empty one. DTypes: float.
 *
 * @throws ShapeError if an axis is out of range or named twice
 */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  const count = countOver("mean", x, options.axes);
  return divide(sum(x, options), count);
}

/**
 * Average squared distance from the mean over axes. DTypes: float.
 *
 * @param options.correction subtracted from the number of elements: 0 for the population's variance (default), 1 for the
 *   unbiased estimate from a sample. Differs: torch.var has 1.
 * @throws ShapeError if an axis is out of range or named twice
 */
export function variance(x: Tensor, options: ReduceOptions & { readonly correction?: number } = {}): Tensor {
  const count = countOver("variance", x, options.axes);
  const centered = subtract(x, mean(x, { ...options, keepDims: true }));
  return divide(sum(multiply(centered, centered), options), Math.max(0, count - (options.correction ?? 0)));
}
