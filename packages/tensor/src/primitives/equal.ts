import type { Tensor } from "../tensor.ts";
import { applyBinary, binary, type TensorOrNumber } from "./elementwise.ts";
import { sumTo } from "./sum.ts";

export const equalPrimitive = binary("equal", (a, b) => Number(a === b), sumTo, {
  dtypes: ["float32", "float64", "int32", "bool"],
  result: "bool",
});

/** a === b, elementwise with broadcasting, as bool; NaN equals nothing. DTypes: any, both equal. */
export function equal(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return applyBinary(equalPrimitive, a, b);
}
