import { expectDType } from "../apply.ts";
import { equal } from "../primitives/equal.ts";
import { select } from "../primitives/select.ts";
import type { Tensor } from "../tensor.ts";

/** Where both are true, elementwise with broadcasting. DTypes: bool. */
export function logicalAnd(a: Tensor, b: Tensor): Tensor {
  expectDType("logicalAnd", { a, b }, "bool");
  return select(a, b, 0);
}

/** Where at least one is true, elementwise with broadcasting. DTypes: bool. */
export function logicalOr(a: Tensor, b: Tensor): Tensor {
  expectDType("logicalOr", { a, b }, "bool");
  return select(a, 1, b);
}

/** Where it is false, elementwise. DTypes: bool. */
export function logicalNot(x: Tensor): Tensor {
  expectDType("logicalNot", { x }, "bool");
  return equal(x, 0);
}
