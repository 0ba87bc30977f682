import type { Kernel, Operand } from "../../../backend.ts";
import { sizeOf, stridesOf } from "../../../shape.ts";
import { broadcastStrides } from "../../../strides.ts";
import { bytesPerElement, type DType, viewArray } from "../../../types.ts";
import { addressOf, type WasmRuntime } from "../runtime.ts";

const CHUNK_BYTES = 65536;

/** An axis of a copy: its size, and the elements between neighbors on either side. */
interface Axis {
  readonly size: number;
  readonly from: number;
  readonly to: number;
}

interface Copy {
  /** byte addresses of the first elements */
  readonly from: number;
  readonly to: number;
  readonly shape: readonly number[];
  /** in elements; 0 repeats */
  readonly fromStrides: readonly number[];
  readonly toStrides: readonly number[];
  readonly dtype: DType;
}

/** Axes without those of size 1, neighbors merged where both sides step through them as through one. */
function mergeAxes({ shape, fromStrides, toStrides }: Copy): Axis[] {
  const merged: Axis[] = [];
  shape.forEach((size, i) => {
    if (size === 1) return;
    const axis = { size, from: fromStrides[i]!, to: toStrides[i]! };
    const outer = merged.at(-1);
    if (outer && outer.from === axis.from * size && outer.to === axis.to * size)
      merged[merged.length - 1] = { ...axis, size: outer.size * size };
    else merged.push(axis);
  });
  return merged;
}

/** Two axes that only change places, perhaps for each of a batch of matrices. */
function isTranspose(axes: readonly Axis[]): boolean {
  const [rows, columns] = axes.slice(-2);
  const [batch] = axes.length === 3 ? axes : [];
  if (axes.length < 2 || axes.length > 3) return false;
  const matrix = rows!.size * columns!.size;
  return (
    rows!.from === 1 &&
    columns!.from === rows!.size &&
    rows!.to === columns!.size &&
    columns!.to === 1 &&
    (!batch || (batch.from === matrix && batch.to === matrix))
  );
}

/** Copies a block; false if it has more axes than the kernel takes. */
function copy(runtime: WasmRuntime, block: Copy): boolean {
  const count = sizeOf(block.shape);
  if (count === 0) return true;
  const bytes = bytesPerElement[block.dtype];
  const axes = mergeAxes(block);
  const nanoseconds = count * 0.5;
  if (bytes === 4 && isTranspose(axes)) {
    const [columns, rows] = axes.slice(-2) as [Axis, Axis];
    const perChunk = Math.max(4, Math.ceil(CHUNK_BYTES / (rows.size * 4) / 4) * 4);
    const chunks = Math.ceil(columns.size / perChunk);
    const matrices = axes.length === 3 ? axes[0]!.size : 1;
    runtime.run(
      "transposeMatrices",
      [block.from, block.to, rows.size, columns.size, perChunk, chunks],
      chunks * matrices,
      nanoseconds,
    );
    return true;
  }
  const row = axes.pop() ?? { size: 1, from: 1, to: 1 };
  if (axes.length > 8) return false;
  const rows = axes.reduce((product, axis) => product * axis.size, 1);
  const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / (row.size * bytes)));
  const table = axes.flatMap(({ size, from, to }) => [size, from * bytes, to * bytes]);
  runtime.run(
    "copyStrided",
    [block.from, block.to, axes.length, rows, perChunk, row.size, row.from * bytes, row.to * bytes, bytes, ...table],
    Math.ceil(rows / perChunk),
    nanoseconds,
  );
  return true;
}

/** Whether the copy kernels take its elements: those of 1 or 4 bytes. */
const isMovable = ({ dtype }: Operand): boolean => bytesPerElement[dtype] <= 4;

/** Element offset of `starts` in a tensor of these strides. */
const offsetOf = (starts: readonly number[], strides: readonly number[]): number =>
  starts.reduce((sum, start, axis) => sum + start * strides[axis]!, 0);

/** Copies all of `part` to or from the block of `whole` that begins at `starts`. */
function copyPart(
  runtime: WasmRuntime,
  whole: Operand,
  part: Operand,
  starts: readonly number[],
  direction: "in" | "out",
): boolean {
  const [wholeStrides, partStrides] = [stridesOf(whole.shape), stridesOf(part.shape)];
  const block = addressOf(whole) + offsetOf(starts, wholeStrides) * bytesPerElement[whole.dtype];
  const { shape, dtype } = part;
  return direction === "in"
    ? copy(runtime, {
        from: addressOf(part),
        to: block,
        shape,
        fromStrides: partStrides,
        toStrides: wholeStrides,
        dtype,
      })
    : copy(runtime, {
        from: block,
        to: addressOf(part),
        shape,
        fromStrides: wholeStrides,
        toStrides: partStrides,
        dtype,
      });
}

/** Sets every element to one value. */
export function fill(runtime: WasmRuntime, { buffer, shape, dtype }: Operand, value: number): void {
  const count = sizeOf(shape);
  if (bytesPerElement[dtype] !== 4) {
    viewArray(dtype, runtime.buffer, addressOf({ buffer }), count).fill(value);
    return;
  }
  const cell = dtype === "float32" ? new Int32Array(Float32Array.of(value).buffer)[0]! : value;
  const perChunk = CHUNK_BYTES / 4;
  runtime.run("fillWords", [addressOf({ buffer }), count, cell, perChunk], Math.ceil(count / perChunk), count * 0.1);
}

const starting = (operand: Operand, axis: number, start: number): number[] =>
  operand.shape.map((_, i) => (i === axis ? start : 0));

/** Kernels that move elements of 1 or 4 bytes and compute nothing. */
export function moveKernels(runtime: WasmRuntime): Record<string, Kernel> {
  return {
    permute([x], [y], { order }) {
      if (!isMovable(x!)) return false;
      const strides = stridesOf(x!.shape);
      return copy(runtime, {
        from: addressOf(x!),
        to: addressOf(y!),
        shape: y!.shape,
        fromStrides: (order as number[]).map((axis) => strides[axis]!),
        toStrides: stridesOf(y!.shape),
        dtype: x!.dtype,
      });
    },
    broadcast([x], [y]) {
      if (!isMovable(x!)) return false;
      return copy(runtime, {
        from: addressOf(x!),
        to: addressOf(y!),
        shape: y!.shape,
        fromStrides: broadcastStrides(x!.shape, y!.shape),
        toStrides: stridesOf(y!.shape),
        dtype: x!.dtype,
      });
    },
    slice: ([x], [y], { starts }) => isMovable(x!) && copyPart(runtime, x!, y!, starts as number[], "out"),
    assignSlice: ([target, source], _, { starts }) =>
      isMovable(target!) && copyPart(runtime, target!, source!, starts as number[], "in"),
    assign: ([target, source]) =>
      isMovable(target!) &&
      copyPart(
        runtime,
        target!,
        source!,
        target!.shape.map(() => 0),
        "in",
      ),
    pad([x], [y], { before, value }) {
      if (!isMovable(x!)) return false;
      fill(runtime, y!, value as number);
      return copyPart(runtime, y!, x!, before as number[], "in");
    },
    concatenate(inputs, [y], { axis }) {
      if (!isMovable(y!)) return false;
      let start = 0;
      return inputs.every((input) => {
        const done = copyPart(runtime, y!, input, starting(y!, axis as number, start), "in");
        start += input.shape[axis as number]!;
        return done;
      });
    },
    split([x], outputs, { axis, sizes }) {
      if (!isMovable(x!)) return false;
      let start = 0;
      return outputs.every((output, i) => {
        const done = !output || copyPart(runtime, x!, output, starting(x!, axis as number, start), "out");
        start += (sizes as number[])[i]!;
        return done;
      });
    },
  };
}
