import type { TensorOrNumber } from "../primitives/elementwise.ts";
import { equal } from "../primitives/equal.ts";
import { less } from "../primitives/less.ts";
import { lessEqual } from "../primitives/less-equal.ts";
import type { Tensor } from "../tensor.ts";
import { logicalNot } from "./logical.ts";

/** a > b, elementwise with broadcasting, as bool. */
export function greater(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return less(b, a);
}

/** a >= b, elementwise with broadcasting, as bool. */
export function greaterEqual(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return lessEqual(b, a);
}

/** Not a === b, elementwise with broadcasting, as bool; NaN differs from everything. */
export function notEqual(a: TensorOrNumber, b: TensorOrNumber): Tensor {
  return logicalNot(equal(a, b));
}
