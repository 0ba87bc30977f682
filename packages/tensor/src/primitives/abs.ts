import { applyOne } from "../apply.ts";
import type { Tensor } from "../tensor.ts";
import { unary } from "./elementwise.ts";
import { multiply } from "./multiply.ts";
import { sign } from "./sign.ts";

export const absPrimitive = unary("abs", Math.abs, (x, g) => multiply(g, sign(x)), ["float32", "float64", "int32"]);

/** Absolute value, elementwise; the gradient at 0 is 0. DTypes: float or int32. */
export function abs(x: Tensor): Tensor {
  return applyOne(absPrimitive, [x], {});
}
