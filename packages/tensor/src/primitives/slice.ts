import { applyOne } from "../apply.ts";
import { formatShape, ShapeError } from "../errors.ts";
import { definePrimitive } from "../operation.ts";
import { sizeOf, stridesOf } from "../shape.ts";
import { forEachIndex } from "../strides.ts";
import { sharePart, type Tensor } from "../tensor.ts";
import { pad } from "./pad.ts";

/** The block of an array that begins at `starts`. */
export interface SliceAttributes {
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
}

const offsetOf = (strides: readonly number[], starts: readonly number[]): number =>
  starts.reduce((offset, start, axis) => offset + start * strides[axis]!, 0);

export const slicePrimitive = definePrimitive<SliceAttributes>({
  name: "slice",
  infer: ([x], { sizes }) => [{ shape: sizes, dtype: x!.dtype }],
  share([x], { starts, sizes }) {
    const firstLong = sizes.findIndex((size) => size !== 1);
    const contiguous = sizes.every((size, axis) => axis <= firstLong || firstLong < 0 || size === x!.shape[axis]);
    const part = contiguous && sizeOf(sizes) > 0 && sharePart(x!, offsetOf(stridesOf(x!.shape), starts), sizes);
    return part ? [part] : undefined;
  },
  reference([x], [y], { starts }) {
    const strides = stridesOf(x!.shape);
    const first = offsetOf(strides, starts);
    forEachIndex(y!.shape, [strides], (i, [offset]) => {
      y!.values[i] = x!.values[first + offset!]!;
    });
  },
  gradient({ inputs: [x], outputGradients: [g], attributes: { starts, sizes } }) {
    return [
      pad(
        g!,
        starts,
        x!.shape.map((size, axis) => size - starts[axis]! - sizes[axis]!),
      ),
    ];
  },
});

/**
 * The block of `sizes` that begins at `starts`. Shares memory where the block is contiguous. DTypes: any.
 *
 * @param starts first position along each axis
 * @param sizes number of positions along each axis
 * @throws ShapeError if the block does not lie inside x
 */
export function slice(x: Tensor, starts: readonly number[], sizes: readonly number[]): Tensor {
  const inside = x.shape.every(
    (size, axis) =>
      Number.isInteger(starts[axis]) &&
      Number.isInteger(sizes[axis]) &&
      starts[axis]! >= 0 &&
      sizes[axis]! >= 0 &&
      starts[axis]! + sizes[axis]! <= size,
  );
  if (starts.length !== x.shape.length || sizes.length !== x.shape.length || !inside) {
    throw new ShapeError(
      `slice: block does not fit, expected one inside x ${formatShape(x.shape)}, got starts ${formatShape(starts)} and sizes ${formatShape(sizes)}`,
    );
  }
  return applyOne(slicePrimitive, [x], { starts: [...starts], sizes: [...sizes] });
}
