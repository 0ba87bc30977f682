import { applyOne, expectDType } from "../apply.ts";
import { defineFused } from "../operation.ts";
import { add } from "../primitives/add.ts";
import { multiply } from "../primitives/multiply.ts";
import { rsqrt } from "../primitives/rsqrt.ts";
import { subtract } from "../primitives/subtract.ts";
import { bindShapes, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { mean } from "./mean.ts";

export interface NormAttributes {
  /** added to the variance, finite, >= 0 */
  readonly epsilon: number;
}

const last = { axes: -1, keepDims: true } as const;

function normalize(x: Tensor, epsilon: number): Tensor {
  const centered = subtract(x, mean(x, last));
  return multiply(centered, rsqrt(add(mean(multiply(centered, centered), last), epsilon)));
}

/** Operands x, gain, and bias where there is one. */
export const layerNormFused = defineFused<NormAttributes>({
  name: "layerNorm",
  infer([x]) {
    const rows = { shape: [sizeOf(x!.shape.slice(0, -1))], dtype: x!.dtype };
    return [{ shape: x!.shape, dtype: x!.dtype }, rows, rows];
  },
  compose([x, gain, bias], { epsilon }) {
    const scaled = multiply(normalize(x!, epsilon), gain!);
    return bias ? add(scaled, bias) : scaled;
  },
  backwardOperands: ({ inputs, outputs, outputGradients }) => [
    inputs[0]!,
    inputs[1]!,
    outputs[1]!,
    outputs[2]!,
    outputGradients[0]!,
  ],
});

/** Throws unless epsilon is a number that can stand under the root. @internal */
export function checkEpsilon(where: string, epsilon: number): void {
  if (!(epsilon >= 0 && epsilon < Infinity))
    throw new RangeError(`${where}: epsilon is out of range, expected a finite number >= 0, got ${epsilon}`);
}

/**
 * (x - mean) / sqrt(variance + epsilon) over the last axis, times gain, plus bias.
 *
 * Shapes: x [..., E], gain [E], bias [E] -> [..., E]. DTypes: float, all equal.
 * Numerics: the variance is the average of squared distances from the mean, computed after it.
 * @param options.gain default ones
 * @param options.bias default zeros
 * @param options.epsilon default 1e-5
 * @throws ShapeError if gain or bias is not [E]; RangeError for a bad epsilon
 * @see Ba, Kiros and Hinton 2016, Layer Normalization, arXiv:1607.06450.
 */
export function layerNorm(
  x: Tensor,
  {
    gain,
    bias,
    epsilon = 1e-5,
  }: { readonly gain?: Tensor | undefined; readonly bias?: Tensor | undefined; readonly epsilon?: number } = {},
): Tensor {
  checkEpsilon("layerNorm", epsilon);
  expectDType("layerNorm", { x }, "float32", "float64");
  bindShapes("layerNorm", { x: [x, "... E"], ...(gain && { gain: [gain, "E"] }), ...(bias && { bias: [bias, "E"] }) });
  if (gain) return applyOne(layerNormFused, bias ? [x, gain, bias] : [x, gain], { epsilon });
  const normalized = normalize(x, epsilon);
  return bias ? add(normalized, bias) : normalized;
}
