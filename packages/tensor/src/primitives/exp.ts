import { applyOne } from "../apply.ts";
import type { Tensor } from "../tensor.ts";
import { unary } from "./elementwise.ts";
import { multiply } from "./multiply.ts";

export const expPrimitive = unary("exp", Math.exp, (_x, g, y) => multiply(g, y));

/** e^x, elementwise. */
export function exp(x: Tensor): Tensor {
  return applyOne(expPrimitive, [x], {});
}
