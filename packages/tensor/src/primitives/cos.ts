import { applyOne } from "../apply.ts";
import type { Tensor } from "../tensor.ts";
import { unary } from "./elementwise.ts";
import { multiply } from "./multiply.ts";
import { negate } from "./negate.ts";
import { sin } from "./sin.ts";

export const cosPrimitive = unary("cos", Math.cos, (x, g) => negate(multiply(g, sin(x))));

/** Cosine of radians, elementwise. */
export function cos(x: Tensor): Tensor {
  return applyOne(cosPrimitive, [x], {});
}
