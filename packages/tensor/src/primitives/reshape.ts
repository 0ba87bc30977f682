import { applyOne } from "../apply.ts";
import { formatShape, ShapeError } from "../errors.ts";
import { definePrimitive } from "../operation.ts";
import { sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";

export const reshapePrimitive = definePrimitive<{ shape: Shape }>({
  name: "reshape",
  infer: ([x], { shape }) => [{ shape, dtype: x!.dtype }],
  share: ([x], { shape }) => [new Tensor(x!.storage!.retain(), shape, x!.dtype)],
  reference([x], [y]) {
    y!.values.set(x!.values);
  },
  gradient: ({ inputs, outputGradients }) => [reshape(outputGradients[0]!, inputs[0]!.shape)],
});

/**
 * The same values in another shape, sharing memory. One size may be -1: whatever is left.
 *
 * @throws ShapeError if the number of elements differs
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = shape.reduce((size, axis) => (axis === -1 ? size : size * axis), 1);
  const open = shape.filter((axis) => axis === -1).length;
  const full = open === 1 && known > 0 ? shape.map((axis) => (axis === -1 ? x.size / known : axis)) : [...shape];
  if (sizeOf(full) !== x.size || !full.every((axis) => Number.isInteger(axis) && axis >= 0)) {
    throw new ShapeError(
      `reshape: shape ${formatShape(shape)} does not fit, expected ${x.size} elements and at most one -1 (from x ${formatShape(x.shape)})`,
    );
  }
  return applyOne(reshapePrimitive, [x], { shape: full });
}
