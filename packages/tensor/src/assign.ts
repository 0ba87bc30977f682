import { applyInPlace, expectDType } from "./apply.ts";
import { formatShape, ShapeError } from "./errors.ts";
import { sameShape, sizeOf } from "./shape.ts";
import { dataSync, hostValues, liveStorage, type Tensor } from "./tensor.ts";

/**
 * Copies the values of `source` into `target`, in place. Tensors that share memory with the target (a reshape, a
 * contiguous slice) change with it.
 *
 * @throws ShapeError or DTypeError if they differ; TensorStateError if either is part of an open differentiation
 */
export function assign(target: Tensor, source: Tensor): void {
  if (!sameShape(target.shape, source.shape)) {
    throw new ShapeError(
      `assign: source has shape ${formatShape(source.shape)}, expected ${formatShape(target.shape)} (from target)`,
    );
  }
  expectDType("assign", { source }, target.dtype);
  if (applyInPlace("assign", [target, source], {})) return;
  target.backend.write(liveStorage(target).buffer, hostValues(source) ?? dataSync(source));
}

/**
 * Copies `source` into the block of `target` that begins at `starts`, in place.
 *
 * Shapes: target and source of one rank; starts one whole number >= 0 for each axis.
 * @throws ShapeError if the block does not lie inside target; DTypeError if types differ; TensorStateError if either is
 *   part of an open differentiation
 */
export function assignSlice(target: Tensor, source: Tensor, starts: readonly number[]): void {
  const inside =
    starts.length === target.shape.length &&
    source.shape.length === target.shape.length &&
    starts.every(
      (start, axis) => Number.isInteger(start) && start >= 0 && start + source.shape[axis]! <= target.shape[axis]!,
    );
  if (!inside) {
    throw new ShapeError(
      `assignSlice: source has shape ${formatShape(source.shape)} at starts ${formatShape(starts)}, expected a block inside target ${formatShape(target.shape)}`,
    );
  }
  expectDType("assignSlice", { source }, target.dtype);
  if (applyInPlace("assignSlice", [target, source], { starts }) || source.size === 0) return;
  const from = hostValues(source) ?? dataSync(source);
  const view = hostValues(target);
  const to = view ?? dataSync(target);
  copyBlock(from, source.shape, to, target.shape, starts);
  if (!view) target.backend.write(liveStorage(target).buffer, to);
}

type Values = ReturnType<typeof dataSync>;

/** Copies rows of the last axes that are whole in the target, or of the last axis, one `set` each. */
function copyBlock(
  from: Values,
  shape: readonly number[],
  to: Values,
  whole: readonly number[],
  starts: readonly number[],
): void {
  let axis = shape.length;
  while (axis > 0 && shape[axis - 1] === whole[axis - 1]) axis--;
  axis = Math.max(axis - 1, 0);
  const length = sizeOf(shape.slice(axis));
  const outer = shape.slice(0, axis);
  const rows = sizeOf(outer);
  for (let row = 0; row < rows; row++) {
    let offset = (starts[axis] ?? 0) * sizeOf(whole.slice(axis + 1));
    let rest = row;
    let stride = sizeOf(whole.slice(axis));
    for (let i = axis - 1; i >= 0; i--) {
      offset += ((rest % outer[i]!) + starts[i]!) * stride;
      rest = Math.floor(rest / outer[i]!);
      stride *= whole[i]!;
    }
    to.set(from.subarray(row * length, (row + 1) * length), offset);
  }
}
