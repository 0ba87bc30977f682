import { applyOne, expectDType } from "../apply.ts";
import { defineFused } from "../operation.ts";
import { add } from "../primitives/add.ts";
import { multiply } from "../primitives/multiply.ts";
import { rsqrt } from "../primitives/rsqrt.ts";
import { bindShapes, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { checkEpsilon, type NormAttributes } from "./layer-norm.ts";
import { mean } from "./mean.ts";

const normalize = (x: Tensor, epsilon: number): Tensor =>
  multiply(x, rsqrt(add(mean(multiply(x, x), { axes: -1, keepDims: true }), epsilon)));

export const rmsNormFused = defineFused<NormAttributes>({
  name: "rmsNorm",
  infer([x]) {
    return [
      { shape: x!.shape, dtype: x!.dtype },
      { shape: [sizeOf(x!.shape.slice(0, -1))], dtype: x!.dtype },
    ];
  },
  compose: ([x, gain], { epsilon }) => multiply(normalize(x!, epsilon), gain!),
  backwardOperands: ({ inputs, outputs, outputGradients }) => [
    inputs[0]!,
    inputs[1]!,
    outputs[1]!,
    outputGradients[0]!,
  ],
});

/**
 * x / sqrt(mean of x^2 + epsilon) over the last axis, times gain.
 *
 * Shapes: x [..., E], gain [E] -> [..., E]. DTypes: float, both equal.
 * @param options.gain default ones
 * @param options.epsilon default 1e-5
 * @throws ShapeError if gain is not [E]; RangeError for a bad epsilon
 * @see Zhang and Sennrich 2019, Root Mean Square Layer Normalization, arXiv:1910.07467.
 */
export function rmsNorm(
  x: Tensor,
  { gain, epsilon = 1e-5 }: { readonly gain?: Tensor | undefined; readonly epsilon?: number } = {},
): Tensor {
  checkEpsilon("rmsNorm", epsilon);
  expectDType("rmsNorm", { x }, "float32", "float64");
  bindShapes("rmsNorm", { x: [x, "... E"], ...(gain && { gain: [gain, "E"] }) });
  return gain ? applyOne(rmsNormFused, [x, gain], { epsilon }) : normalize(x, epsilon);
}
