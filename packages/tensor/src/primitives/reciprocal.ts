import { applyOne } from "../apply.ts";
import type { Tensor } from "../tensor.ts";
import { unary } from "./elementwise.ts";
import { multiply } from "./multiply.ts";
import { negate } from "./negate.ts";

export const reciprocalPrimitive = unary(
  "reciprocal",
  (x) => 1 / x,
  (_x, g, y) => negate(multiply(g, multiply(y, y))),
);

/** 1 / x, elementwise. */
export function reciprocal(x: Tensor): Tensor {
  return applyOne(reciprocalPrimitive, [x], {});
}
