import { applyOne } from "../apply.ts";
import type { Tensor } from "../tensor.ts";
import { divide } from "./divide.ts";
import { unary } from "./elementwise.ts";

export const logPrimitive = unary("log", Math.log, (x, g) => divide(g, x));

/** Natural logarithm, elementwise: -Infinity at 0, NaN below. */
export function log(x: Tensor): Tensor {
  return applyOne(logPrimitive, [x], {});
}
