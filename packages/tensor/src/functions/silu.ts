import { applyOne, expectDType } from "../apply.ts";
import { defineFused, type Fused } from "../operation.ts";
import { add } from "../primitives/add.ts";
import { multiply } from "../primitives/multiply.ts";
import { subtract } from "../primitives/subtract.ts";
import type { Tensor } from "../tensor.ts";
import { sigmoid } from "./sigmoid.ts";

const siluBackward: Fused = defineFused({
  name: "siluBackward",
  infer: ([x]) => [{ shape: x!.shape, dtype: x!.dtype }],
  compose([x, g]) {
    const s = sigmoid(x!);
    return multiply(g!, multiply(s, add(multiply(x!, subtract(1, s)), 1)));
  },
});

export const siluFused = defineFused({
  name: "silu",
  infer: ([x]) => [{ shape: x!.shape, dtype: x!.dtype }],
  compose: ([x]) => multiply(x!, sigmoid(x!)),
  gradient: ({ inputs, outputGradients }) => [siluGradient(inputs[0]!, outputGradients[0]!)],
});

/** The gradient of `silu` at x, times g. @internal */
export function siluGradient(x: Tensor, g: Tensor): Tensor {
  return applyOne(siluBackward, [x, g], {});
}

/**
 * x * sigmoid(x), elementwise; also called swish. DTypes: float.
 *
 * @see Elfwing, Uchibe and Doya 2017, Sigmoid-Weighted Linear Units, arXiv:1702.03118.
 */
export function silu(x: Tensor): Tensor {
  expectDType("silu", { x }, "float32", "float64");
  return applyOne(siluFused, [x], {});
}
