import { applyOne } from "../apply.ts";
import type { Tensor } from "../tensor.ts";
import { unary } from "./elementwise.ts";

export const negatePrimitive = unary(
  "negate",
  (x) => -x,
  (_x, g) => negate(g),
  ["float32", "float64", "int32"],
);

/** -x, elementwise. DTypes: float or int32. */
export function negate(x: Tensor): Tensor {
  return applyOne(negatePrimitive, [x], {});
}
