import { applyOne, expectDType } from "../apply.ts";
import { defineFused, type Fused } from "../operation.ts";
import { lessEqual } from "../primitives/less-equal.ts";
import { select } from "../primitives/select.ts";
import type { Tensor } from "../tensor.ts";

const reluBackward: Fused = defineFused({
  name: "reluBackward",
  infer: ([x]) => [{ shape: x!.shape, dtype: x!.dtype }],
  compose: ([x, g]) => select(lessEqual(x!, 0), 0, g!),
});

export const reluFused = defineFused({
  name: "relu",
  infer: ([x]) => [{ shape: x!.shape, dtype: x!.dtype }],
  compose: ([x]) => select(lessEqual(x!, 0), 0, x!),
  gradient: ({ inputs, outputGradients }) => [reluGradient(inputs[0]!, outputGradients[0]!)],
});

/** The gradient of `relu` at x, times g. @internal */
export function reluGradient(x: Tensor, g: Tensor): Tensor {
  return applyOne(reluBackward, [x, g], {});
}

/** max(x, 0), elementwise; the gradient at 0 is 0. DTypes: float. */
export function relu(x: Tensor): Tensor {
  expectDType("relu", { x }, "float32", "float64");
  return applyOne(reluFused, [x], {});
}
