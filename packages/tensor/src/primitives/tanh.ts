import { applyOne } from "../apply.ts";
import type { Tensor } from "../tensor.ts";
import { unary } from "./elementwise.ts";
import { multiply } from "./multiply.ts";
import { subtract } from "./subtract.ts";

export const tanhPrimitive = unary("tanh", Math.tanh, (_x, g, y) => multiply(g, subtract(1, multiply(y, y))));

/** Hyperbolic tangent, elementwise. */
export function tanh(x: Tensor): Tensor {
  return applyOne(tanhPrimitive, [x], {});
}
