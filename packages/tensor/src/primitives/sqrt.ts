import { applyOne } from "../apply.ts";
import type { Tensor } from "../tensor.ts";
import { divide } from "./divide.ts";
import { unary } from "./elementwise.ts";
import { multiply } from "./multiply.ts";

export const sqrtPrimitive = unary("sqrt", Math.sqrt, (_x, g, y) => multiply(divide(g, y), 0.5));

/** Square root, elementwise: NaN below 0. */
export function sqrt(x: Tensor): Tensor {
  return applyOne(sqrtPrimitive, [x], {});
}
