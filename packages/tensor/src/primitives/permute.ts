import { applyOne } from "../apply.ts";
import { formatShape, ShapeError } from "../errors.ts";
import { definePrimitive } from "../operation.ts";
import { stridesOf } from "../shape.ts";
import { forEachIndex } from "../strides.ts";
import { Tensor } from "../tensor.ts";

/** Where each axis went: the order that undoes `order`. */
function inverse(order: readonly number[]): number[] {
  const back = new Array<number>(order.length);
  order.forEach((from, to) => (back[from] = to));
  return back;
}

export const permutePrimitive = definePrimitive<{ order: readonly number[] }>({
  name: "permute",
  infer: ([x], { order }) => [{ shape: order.map((axis) => x!.shape[axis]!), dtype: x!.dtype }],
  share([x], { order }) {
    const long = order.filter((axis) => x!.shape[axis] !== 1);
    const inOrder = long.every((axis, i) => i === 0 || long[i - 1]! < axis);
    return inOrder
      ? [
          new Tensor(
            x!.storage!.retain(),
            order.map((axis) => x!.shape[axis]!),
            x!.dtype,
          ),
        ]
      : undefined;
  },
  reference([x], [y], { order }) {
    const strides = stridesOf(x!.shape);
    forEachIndex(y!.shape, [order.map((axis) => strides[axis]!)], (i, [offset]) => {
      y!.values[i] = x!.values[offset!]!;
    });
  },
  gradient: ({ outputGradients, attributes }) => [permute(outputGradients[0]!, inverse(attributes.order))],
});

/**
 * Reorders axes: axis i of the result is axis order[i] of x. Shares memory where only axes of size 1 move. DTypes: any.
 *
 * @param order every axis once, negative from the end
 * @throws ShapeError if it is not a permutation of the axes
 */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  const rank = x.shape.length;
  const normalized = order.map((axis) => (axis < 0 ? axis + rank : axis));
  if (order.length !== rank || !x.shape.every((_, axis) => normalized.includes(axis))) {
    throw new ShapeError(
      `permute: order is not a permutation, expected each of ${rank} axes once, got ${formatShape(order)}`,
    );
  }
  return applyOne(permutePrimitive, [x], { order: normalized });
}
