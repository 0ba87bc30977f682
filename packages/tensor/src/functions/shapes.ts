import { formatShape, ShapeError } from "../errors.ts";
import { concatenate } from "../primitives/concatenate.ts";
import { permute } from "../primitives/permute.ts";
import { reshape } from "../primitives/reshape.ts";
import { normalizeAxes, normalizeAxis, sameShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/**
 * Swaps the last two axes.
 *
 * Shapes: x [..., M, N] -> [..., N, M].
 * @throws ShapeError if there are fewer than two
 */
export function transpose(x: Tensor): Tensor {
  const rank = x.shape.length;
  if (rank < 2)
    throw new ShapeError(`transpose: x has rank ${rank} in shape ${formatShape(x.shape)}, expected at least 2 axes`);
  return permute(
    x,
    x.shape.map((_, axis) => (axis === rank - 1 ? rank - 2 : axis === rank - 2 ? rank - 1 : axis)),
  );
}

/**
 * Removes axes of size 1, sharing memory.
 *
 * @param axes which ones; default all of size 1
 * @throws ShapeError if one has another size
 */
export function squeeze(x: Tensor, axes?: number | readonly number[]): Tensor {
  const removed =
    axes === undefined
      ? x.shape.flatMap((size, axis) => (size === 1 ? [axis] : []))
      : normalizeAxes("squeeze", axes, x.shape.length);
  for (const axis of removed) {
    if (x.shape[axis] !== 1)
      throw new ShapeError(
        `squeeze: x has size ${x.shape[axis]} at axis ${axis} in shape ${formatShape(x.shape)}, expected 1`,
      );
  }
  return reshape(
    x,
    x.shape.filter((_, axis) => !removed.includes(axis)),
  );
}

/**
 * Inserts an axis of size 1, sharing memory; it is axis `axis` of the result, negative from the end.
 *
 * @throws ShapeError if the axis is out of range
 */
export function expandDims(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis("expandDims", axis, x.shape.length + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/**
 * Puts tensors of one shape side by side along a new axis.
 *
 * @param options.axis place of the new axis in the result; default 0
 * @throws ShapeError if shapes differ; RangeError without tensors
 */
export function stack(tensors: readonly Tensor[], { axis = 0 }: { readonly axis?: number } = {}): Tensor {
  if (tensors.length === 0) throw new RangeError("stack: tensors is empty, expected at least one tensor");
  const { shape } = tensors[0]!;
  tensors.forEach((x, i) => {
    if (!sameShape(x.shape, shape))
      throw new ShapeError(
        `stack: tensors[${i}] has shape ${formatShape(x.shape)}, expected ${formatShape(shape)} (from tensors[0])`,
      );
  });
  const at = normalizeAxis("stack", axis, shape.length + 1);
  return concatenate(
    tensors.map((x) => expandDims(x, at)),
    { axis: at },
  );
}
