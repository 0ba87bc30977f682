import { applyOne, expectDType } from "../apply.ts";
import { detach } from "../detach.ts";
import { defineFused, type Fused } from "../operation.ts";
import { abs } from "../primitives/abs.ts";
import { add } from "../primitives/add.ts";
import { divide } from "../primitives/divide.ts";
import { exp } from "../primitives/exp.ts";
import { less } from "../primitives/less.ts";
import { log } from "../primitives/log.ts";
import { max } from "../primitives/max.ts";
import { permute } from "../primitives/permute.ts";
import { type ReduceOptions, squeezedShape } from "../primitives/reduce.ts";
import { reshape } from "../primitives/reshape.ts";
import { select } from "../primitives/select.ts";
import { subtract } from "../primitives/subtract.ts";
import { sum } from "../primitives/sum.ts";
import { normalizeAxes, normalizeAxis } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

const last = { axes: -1, keepDims: true } as const;

/** x minus its largest value: no shift changes a softmax, and this one keeps the exponentials in range. */
const shifted = (x: Tensor): Tensor => subtract(x, max(detach(x), last));

function rowwise(name: string, compose: (x: Tensor) => Tensor): Fused {
  return defineFused({
    name,
    infer([x]) {
      return [{ shape: x!.shape, dtype: x!.dtype }];
    },
    compose: ([x]) => compose(x!),
    backwardOperands: ({ outputs, outputGradients }) => [outputs[0]!, outputGradients[0]!],
  });
}

export const softmaxFused = rowwise("softmax", (x) => {
  const powers = exp(shifted(x));
  return divide(powers, sum(powers, last));
});

export const logSoftmaxFused = rowwise("logSoftmax", (x) => {
  const scores = shifted(x);
  return subtract(scores, log(sum(exp(scores), last)));
});

function alongAxis(op: Fused, x: Tensor, axis: number): Tensor {
  expectDType(op.name, { x }, "float32", "float64");
  const rank = x.shape.length;
  const normalized = normalizeAxis(op.name, axis, rank);
  if (normalized === rank - 1) return applyOne(op, [x], {});
  const swapped = x.shape.map((_, i) => (i === normalized ? rank - 1 : i === rank - 1 ? normalized : i));
  return permute(applyOne(op, [permute(x, swapped)], {}), swapped);
}

/**
 * e^x along an axis, divided by its sum: probabilities. DTypes: float.
 *
 * Numerics: subtracts the maximum; -Infinity gives 0, a row of nothing else NaN.
 * @param options.axis default the last
 * @throws ShapeError if the axis is out of range
 */
export function softmax(x: Tensor, { axis = -1 }: { readonly axis?: number } = {}): Tensor {
  return alongAxis(softmaxFused, x, axis);
}

/**
 * The logarithm of `softmax`, computed without its underflow. DTypes: float.
 *
 * @param options.axis default the last
 * @throws ShapeError if the axis is out of range
 */
export function logSoftmax(x: Tensor, { axis = -1 }: { readonly axis?: number } = {}): Tensor {
  return alongAxis(logSoftmaxFused, x, axis);
}

/**
 * log(sum(e^x)) over axes; -Infinity over an empty one. DTypes: float.
 *
 * Numerics: subtracts the maximum, so no exponential overflows.
 * @throws ShapeError if an axis is out of range or named twice
 */
export function logSumExp(x: Tensor, options: ReduceOptions = {}): Tensor {
  expectDType("logSumExp", { x }, "float32", "float64");
  const axes = normalizeAxes("logSumExp", options.axes, x.shape.length);
  const largest = max(detach(x), { axes, keepDims: true });
  const finite = select(less(abs(largest), Infinity), largest, 0);
  const y = add(log(sum(exp(subtract(x, finite)), { axes, keepDims: true })), finite);
  return options.keepDims ? y : reshape(y, squeezedShape(x.shape, axes));
}
