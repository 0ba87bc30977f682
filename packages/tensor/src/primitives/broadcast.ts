import { applyOne } from "../apply.ts";
import { formatShape, ShapeError } from "../errors.ts";
import { definePrimitive } from "../operation.ts";
import { broadcastShapes, sameShape } from "../shape.ts";
import { broadcastStrides, forEachIndex } from "../strides.ts";
import { Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { sumTo } from "./sum.ts";

export const broadcastPrimitive = definePrimitive<{ shape: Shape }>({
  name: "broadcast",
  infer: ([x], { shape }) => [{ shape, dtype: x!.dtype }],
  share: ([x], { shape }) =>
    sameShape(x!.shape, shape) ? [new Tensor(x!.storage!.retain(), shape, x!.dtype)] : undefined,
  reference([x], [y]) {
    forEachIndex(y!.shape, [broadcastStrides(x!.shape, y!.shape)], (i, [offset]) => {
      y!.values[i] = x!.values[offset!]!;
    });
  },
  gradient: ({ inputs, outputGradients }) => [sumTo(outputGradients[0]!, inputs[0]!.shape)],
});

/**
 * Repeats along axes of size 1 and new leading axes until `x` has the shape.
 *
 * @throws ShapeError if `x` does not stretch to the shape
 */
export function broadcast(x: Tensor, shape: Shape): Tensor {
  if (!sameShape(broadcastShapes("broadcast", x.shape, shape), shape)) {
    throw new ShapeError(
      `broadcast: x has shape ${formatShape(x.shape)}, expected one that stretches to ${formatShape(shape)}`,
    );
  }
  return applyOne(broadcastPrimitive, [x], { shape: [...shape] });
}
