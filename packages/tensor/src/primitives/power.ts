import type { Tensor } from "../tensor.ts";
import { applyBinary, binary, type TensorOrNumber } from "./elementwise.ts";
import { equal } from "./equal.ts";
import { log } from "./log.ts";
import { multiply } from "./multiply.ts";
import { select } from "./select.ts";
import { subtract } from "./subtract.ts";
import { sumTo } from "./sum.ts";

export const powerPrimitive = binary("power", Math.pow, sumTo, {
  dtypes: ["float32", "float64"],
  gradients: [
    (g, a, b) => select(equal(b, 0), 0, multiply(g, multiply(b, power(a, subtract(b, 1))))),
    (g, a, _b, y) => select(equal(a, 0), 0, multiply(g, multiply(y, log(a)))),
  ],
});

/** a to the power b, elementwise with broadcasting: NaN for a negative base and an exponent that is not whole. DTypes: float, both equal. */
export function power(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return applyBinary(powerPrimitive, a, b);
}
