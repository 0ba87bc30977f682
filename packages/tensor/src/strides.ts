import { sizeOf, stridesOf } from "./shape.ts";
import type { Shape } from "./types.ts";

/** Strides of `shape` read as the broadcast shape `to`: 0 along stretched axes. */
export function broadcastStrides(shape: Shape, to: Shape): number[] {
  const own = stridesOf(shape);
  const lead = to.length - shape.length;
  return to.map((_, axis) => (axis < lead || shape[axis - lead] === 1 ? 0 : own[axis - lead]!));
}

/** Calls `visit(i, offsets)` for each element of `shape`, with the offset of each strided operand. */
export function forEachIndex(
  shape: Shape,
  strides: readonly (readonly number[])[],
  visit: (i: number, offsets: readonly number[]) => void,
): void {
  const size = sizeOf(shape);
  const index = new Array<number>(shape.length).fill(0);
  const offsets = new Array<number>(strides.length).fill(0);
  for (let i = 0; i < size; i++) {
    visit(i, offsets);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      strides.forEach((stride, s) => (offsets[s]! += stride[axis]!));
      if (index[axis]! < shape[axis]!) break;
      strides.forEach((stride, s) => (offsets[s]! -= stride[axis]! * shape[axis]!));
      index[axis] = 0;
    }
  }
}
