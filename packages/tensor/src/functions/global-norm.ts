import { applyOne, expectDType } from "../apply.ts";
import { defineFused } from "../operation.ts";
import { add } from "../primitives/add.ts";
import { multiply } from "../primitives/multiply.ts";
import { sqrt } from "../primitives/sqrt.ts";
import { sum } from "../primitives/sum.ts";
import type { Tensor } from "../tensor.ts";

export const globalNormFused = defineFused({
  name: "globalNorm",
  infer: ([first]) => [{ shape: [], dtype: first!.dtype }],
  compose: (inputs) => sqrt(inputs.map((x) => sum(multiply(x, x))).reduce((total, part) => add(total, part))),
});

/**
 * The square root of the sum of squares of all elements of all tensors.
 *
 * Shapes: any -> []. DTypes: float, all equal.
 * @throws RangeError without tensors
 */
export function globalNorm(tensors: readonly Tensor[]): Tensor {
  if (tensors.length === 0) throw new RangeError("globalNorm: tensors is empty, expected at least one tensor");
  expectDType("globalNorm", { "tensors[0]": tensors[0]! }, "float32", "float64");
  tensors.forEach((x, i) => expectDType("globalNorm", { [`tensors[${i}]`]: x }, tensors[0]!.dtype));
  return applyOne(globalNormFused, tensors, {});
}
