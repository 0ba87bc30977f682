import type { Tensor } from "../tensor.ts";
import { applyBinary, binary, type TensorOrNumber } from "./elementwise.ts";
import { multiply } from "./multiply.ts";
import { negate } from "./negate.ts";
import { sumTo } from "./sum.ts";

export const dividePrimitive = binary("divide", (a, b) => a / b, sumTo, {
  dtypes: ["float32", "float64"],
  gradients: [(g, _a, b) => divide(g, b), (g, _a, b, y) => negate(divide(multiply(g, y), b))],
});

/** a / b, elementwise with broadcasting. DTypes: float, both equal. */
export function divide(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return applyBinary(dividePrimitive, a, b);
}
