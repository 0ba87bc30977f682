import { applyOne, expectDType } from "../apply.ts";
import { formatShape, ShapeError } from "../errors.ts";
import { definePrimitive } from "../operation.ts";
import { sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { checkIndices, gather } from "./gather.ts";

export interface ScatterAttributes {
  readonly axis: number;
  /** positions along the axis of the result */
  readonly size: number;
}

export const scatterAddPrimitive = definePrimitive<ScatterAttributes>({
  name: "scatterAdd",
  infer([updates, indices], { axis, size }) {
    expectDType("scatterAdd", { updates: updates! }, "float32", "float64", "int32");
    expectDType("scatterAdd", { indices: indices! }, "int32");
    const rank = indices!.shape.length;
    return [
      { shape: [...updates!.shape.slice(0, axis), size, ...updates!.shape.slice(axis + rank)], dtype: updates!.dtype },
    ];
  },
  reference([updates, indices], [y], { axis, size }) {
    const outer = sizeOf(y!.shape.slice(0, axis));
    const inner = sizeOf(y!.shape.slice(axis + 1));
    const count = indices!.values.length;
    y!.values.fill(0);
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < count; i++) {
        const to = (o * size + indices!.values[i]!) * inner;
        const from = (o * count + i) * inner;
        for (let e = 0; e < inner; e++) y!.values[to + e]! += updates!.values[from + e]!;
      }
    }
  },
  gradient: ({ inputs: [, indices], outputGradients: [g], attributes: { axis } }) => [
    gather(g!, indices!, { axis }),
    undefined,
  ],
});

/**
 * Adds updates into zeros at positions along an axis: the transpose of `gather`.
 *
 * Shapes: updates [...a, ...i, ...b], indices int32 [...i] -> [...a, size, ...b].
 * Numerics: updates to one position are added in the order of the indices, on every backend.
 * @param options.size positions along the axis of the result
 * @param options.axis where the axes of the indices begin in updates; default 0
 * @throws ShapeError if updates do not hold the shape of the indices there; RangeError if an index is not in 0..size-1
 */
export function scatterAdd(
  updates: Tensor,
  indices: Tensor,
  { axis = 0, size }: { readonly axis?: number; readonly size: number },
): Tensor {
  const first = axis < 0 ? axis + updates.shape.length - indices.shape.length + 1 : axis;
  if (!Number.isInteger(first) || first < 0 || indices.shape.some((length, i) => updates.shape[first + i] !== length)) {
    throw new ShapeError(
      `scatterAdd: updates has shape ${formatShape(updates.shape)}, expected the shape of indices ${formatShape(indices.shape)} from axis ${axis} on`,
    );
  }
  if (!Number.isInteger(size) || size < 0)
    throw new RangeError(`scatterAdd: size is out of range, expected a whole number >= 0, got ${size}`);
  expectDType("scatterAdd", { indices }, "int32");
  checkIndices("scatterAdd", "indices", indices, size);
  return applyOne(scatterAddPrimitive, [updates, indices], { axis: first, size });
}
