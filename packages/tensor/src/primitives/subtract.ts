import type { Tensor } from "../tensor.ts";
import { applyBinary, binary, type TensorOrNumber } from "./elementwise.ts";
import { negate } from "./negate.ts";
import { sumTo } from "./sum.ts";

export const subtractPrimitive = binary("subtract", (a, b) => a - b, sumTo, {
  gradients: [(g) => g, (g) => negate(g)],
});

/** a - b, elementwise with broadcasting. DTypes: float or int32, both equal. */
export function subtract(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return applyBinary(subtractPrimitive, a, b);
}
