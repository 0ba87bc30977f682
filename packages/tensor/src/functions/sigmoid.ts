import { expectDType } from "../apply.ts";
import { add } from "../primitives/add.ts";
import { divide } from "../primitives/divide.ts";
import { exp } from "../primitives/exp.ts";
import { less } from "../primitives/less.ts";
import { log } from "../primitives/log.ts";
import { negate } from "../primitives/negate.ts";
import { select } from "../primitives/select.ts";
import type { Tensor } from "../tensor.ts";

/** e^-|x|, which never overflows. Not by `abs`, whose gradient at 0 would be lost. */
const decay = (x: Tensor, negative: Tensor): Tensor => exp(select(negative, x, negate(x)));

/** 1 / (1 + e^-x), elementwise. DTypes: float. Numerics: full relative accuracy for any x. */
export function sigmoid(x: Tensor): Tensor {
  expectDType("sigmoid", { x }, "float32", "float64");
  const negative = less(x, 0);
  const small = decay(x, negative);
  return divide(select(negative, small, 1), add(small, 1));
}

/** log(1 + e^x), elementwise. DTypes: float. Numerics: does not overflow; an absolute error of one rounding of 1 below 0. */
export function softplus(x: Tensor): Tensor {
  expectDType("softplus", { x }, "float32", "float64");
  const negative = less(x, 0);
  return add(select(negative, 0, x), log(add(decay(x, negative), 1)));
}
