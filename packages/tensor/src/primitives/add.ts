import type { Tensor } from "../tensor.ts";
import { applyBinary, binary, type TensorOrNumber } from "./elementwise.ts";
import { sumTo } from "./sum.ts";

export const addPrimitive = binary("add", (a, b) => a + b, sumTo, { gradients: [(g) => g, (g) => g] });

/** a + b, elementwise with broadcasting. */
export function add(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return applyBinary(addPrimitive, a, b);
}
