import type { Tensor } from "../tensor.ts";
import { applyBinary, binary, type TensorOrNumber } from "./elementwise.ts";
import { less } from "./less.ts";
import { halveTies } from "./select.ts";
import { sumTo } from "./sum.ts";

export const minimumPrimitive = binary("minimum", Math.min, sumTo, {
  gradients: [(g, a, b) => halveTies(g, a, b, less(b, a)), (g, a, b) => halveTies(g, a, b, less(a, b))],
});

/** The smaller of a and b, elementwise with broadcasting; NaN where either is NaN. At ties both get half the gradient. */
export function minimum(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return applyBinary(minimumPrimitive, a, b);
}
