import { applyOne } from "../apply.ts";
import type { Tensor } from "../tensor.ts";
import { unary } from "./elementwise.ts";

export const signPrimitive = unary("sign", Math.sign, undefined, ["float32", "float64", "int32"]);

/** -1, 0 or 1, elementwise; NaN stays NaN. Constant between jumps, so nothing flows back. DTypes: float or int32. */
export function sign(x: Tensor): Tensor {
  return applyOne(signPrimitive, [x], {});
}
