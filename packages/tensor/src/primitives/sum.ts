import { applyOne, expectDType } from "../apply.ts";
import { definePrimitive } from "../operation.ts";
import { sameShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { broadcast } from "./broadcast.ts";
import {
  forEachGroup,
  type ReduceAttributes,
  type ReduceOptions,
  reduceAttributes,
  reducedShape,
  squeezedShape,
} from "./reduce.ts";
import { reshape } from "./reshape.ts";

export const sumPrimitive = definePrimitive<ReduceAttributes>({
  name: "sum",
  infer([x], { axes }) {
    expectDType("sum", { x: x! }, "float32", "float64", "int32");
    return [{ shape: reducedShape(x!.shape, axes), dtype: x!.dtype }];
  },
  reference([x], [y], { axes }) {
    forEachGroup(x!, axes, (output, group) => {
      let total = 0;
      for (const value of group) total += value;
      y!.values[output] = total;
    });
  },
  gradient: ({ inputs, outputGradients }) => [broadcast(outputGradients[0]!, inputs[0]!.shape)],
});

/**
 * Sums over axes. An empty axis sums to 0.
 *
 * Numerics: the order of additions is fixed by the shape. The reference adds in float64 and rounds once; other backends
 * add float32 partial sums, several at a time.
 * @throws ShapeError if an axis is out of range or named twice
 */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  const attributes = reduceAttributes("sum", x.shape, options);
  const kept = applyOne(sumPrimitive, [x], attributes);
  return options.keepDims ? kept : reshape(kept, squeezedShape(x.shape, attributes.axes));
}

/** Sums a tensor back to the shape it was broadcast from. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.shape.length - shape.length;
  const axes = x.shape.flatMap((size, axis) => (axis < lead || (shape[axis - lead] === 1 && size !== 1) ? [axis] : []));
  return reshape(applyOne(sumPrimitive, [x], { axes }), shape);
}
