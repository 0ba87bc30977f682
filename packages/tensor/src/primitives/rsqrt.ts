import { applyOne } from "../apply.ts";
import type { Tensor } from "../tensor.ts";
import { unary } from "./elementwise.ts";
import { multiply } from "./multiply.ts";

export const rsqrtPrimitive = unary(
  "rsqrt",
  (x) => 1 / Math.sqrt(x),
  (_x, g, y) => multiply(multiply(g, -0.5), multiply(y, multiply(y, y))),
);

/** 1 / sqrt(x), elementwise. */
export function rsqrt(x: Tensor): Tensor {
  return applyOne(rsqrtPrimitive, [x], {});
}
