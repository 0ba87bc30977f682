import type { Tensor } from "../tensor.ts";
import { applyBinary, binary, type TensorOrNumber } from "./elementwise.ts";
import { less } from "./less.ts";
import { halveTies } from "./select.ts";
import { sumTo } from "./sum.ts";

export const maximumPrimitive = binary("maximum", Math.max, sumTo, {
  gradients: [(g, a, b) => halveTies(g, a, b, less(a, b)), (g, a, b) => halveTies(g, a, b, less(b, a))],
});

/** The larger of a and b, elementwise with broadcasting; NaN where either is NaN. At ties both get half the gradient. */
export function maximum(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return applyBinary(maximumPrimitive, a, b);
}
