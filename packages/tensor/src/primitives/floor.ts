import { applyOne } from "../apply.ts";
import type { Tensor } from "../tensor.ts";
import { unary } from "./elementwise.ts";

export const floorPrimitive = unary("floor", Math.floor);

/** Largest whole number at or below, elementwise. Constant between jumps, so nothing flows back. */
export function floor(x: Tensor): Tensor {
  return applyOne(floorPrimitive, [x], {});
}
