import type { Tensor } from "../tensor.ts";
import { applyBinary, binary, type TensorOrNumber } from "./elementwise.ts";
import { sumTo } from "./sum.ts";

export const multiplyPrimitive = binary("multiply", (a, b) => a * b, sumTo, {
  int32: Math.imul,
  gradients: [(g, _a, b) => multiply(g, b), (g, a) => multiply(g, a)],
});

/** a * b, elementwise with broadcasting. */
export function multiply(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return applyBinary(multiplyPrimitive, a, b);
}
