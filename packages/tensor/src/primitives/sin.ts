import { applyOne } from "../apply.ts";
import type { Tensor } from "../tensor.ts";
import { cos } from "./cos.ts";
import { unary } from "./elementwise.ts";
import { multiply } from "./multiply.ts";

export const sinPrimitive = unary("sin", Math.sin, (x, g) => multiply(g, cos(x)));

/** Sine of radians, elementwise. */
export function sin(x: Tensor): Tensor {
  return applyOne(sinPrimitive, [x], {});
}
