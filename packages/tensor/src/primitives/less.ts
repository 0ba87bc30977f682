import type { Tensor } from "../tensor.ts";
import { applyBinary, binary, type TensorOrNumber } from "./elementwise.ts";
import { sumTo } from "./sum.ts";

export const lessPrimitive = binary("less", (a, b) => Number(a < b), sumTo, { result: "bool" });

/** a < b, elementwise with broadcasting, as bool. DTypes: float or int32, both equal. */
export function less(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return applyBinary(lessPrimitive, a, b);
}
