import { type Kernel, type Operand, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { divideText, positionText, program, sizeNames, unravelText } from "../program.ts";
import type { Value } from "../value.ts";
import { copyStrided } from "../wgsl/move.ts";
import { joinAxes } from "./elementwise.ts";

/** Elements between neighbors along each axis. */
export function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
}

/** Element i of the result is x[offset + index of i dot strides]: permute, slice, split and broadcast are all this. */
export function stridedCopy(
  launcher: Launcher,
  x: Value,
  shape: readonly number[],
  strides: readonly number[],
  offset = 0,
): Value {
  if (launcher.wgsl) return copyStrided(launcher, x, shape, strides, offset);
  const length = sizeOf(shape);
  const joined = joinAxes(shape, [strides]);
  const rank = joined.sizes.length;
  const steps = joined.strides[0]!;
  if (offset === 0 && length === x.length && (rank === 0 || (rank === 1 && steps[0] === 1))) return x.retain();
  const stepNames = steps.map((_, axis) => `step${axis}`);
  const made = program(`move rank ${rank}`, 1, ["offset", ...sizeNames(rank), ...stepNames], () => {
    if (rank === 0) return "return a[offset];";
    return `${unravelText(rank)}\nreturn a[offset + ${stepNames.map((step, axis) => `at${axis} * ${step}`).join(" + ")}];`;
  });
  return launcher.run(made, length, [x], [offset, ...joined.sizes.slice(1), ...steps]);
}

const offsetOf = (strides: readonly number[], starts: readonly number[]): number =>
  starts.reduce((offset, start, axis) => offset + start * strides[axis]!, 0);

/** Inside the block that begins at `first0`, ... and has the sizes `inner0`, ...: b at its index there; elsewhere `otherwise`. */
function blockText(rank: number, otherwise: string): string {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const inside = axes.map((i) => `at${i} >= first${i} && at${i} < first${i} + inner${i}`).join(" && ");
  const flat = axes.reduce(
    (text, i) => (i === 0 ? "(at0 - first0)" : `(${text} * inner${i} + at${i} - first${i})`),
    "",
  );
  return `${unravelText(rank)}\nif (${inside}) { return a[${flat}]; }\nreturn ${otherwise};`;
}

const blockNames = (rank: number): string[] => [
  ...sizeNames(rank),
  ...Array.from({ length: rank }, (_, axis) => `first${axis}`),
  ...Array.from({ length: rank }, (_, axis) => `inner${axis}`),
];

function pad(launcher: Launcher, x: Operand, y: Operand, before: readonly number[], value: number): Value {
  const rank = y.shape.length;
  if (sizeOf(x.shape) === 0) return launcher.constant(sizeOf(y.shape), value);
  if (rank === 0) return launcher.valueOf(x).retain();
  const made = program(`pad rank ${rank}`, 1, [...blockNames(rank), "value"], () => blockText(rank, "value"));
  const numbers = [...y.shape.slice(1), ...before, ...x.shape, value];
  return launcher.run(made, sizeOf(y.shape), [launcher.valueOf(x)], numbers);
}

/** The target with a block replaced: the whole of it is written anew. */
function withBlock(launcher: Launcher, target: Operand, source: Operand, starts: readonly number[]): Value {
  const rank = target.shape.length;
  const [to, from] = [launcher.valueOf(target), launcher.valueOf(source)];
  if (from.length === 0) return to.retain();
  if (rank === 0) return from.retain();
  const made = program(`assignSlice rank ${rank}`, 2, blockNames(rank), () => blockText(rank, "b[this.thread.x]"));
  return launcher.run(made, to.length, [from, to], [...target.shape.slice(1), ...starts, ...source.shape]);
}

/** Two arrays of rows, one after the other in each row. */
function joinRows(launcher: Launcher, a: Value, widthA: number, b: Value, widthB: number, rows: number): Value {
  if (rows * widthA === 0) return b.retain();
  if (rows * widthB === 0) return a.retain();
  const made = program(
    "concatenate",
    2,
    ["width", "widthA", "widthB"],
    () => `${positionText}
${divideText("row", "position", "width")}
const column = position - row * width;
if (column < widthA) { return a[row * widthA + column]; }
return b[row * widthB + column - widthA];`,
  );
  return launcher.run(made, rows * (widthA + widthB), [a, b], [widthA + widthB, widthA, widthB]);
}

/** Joins neighbors, then neighbors of those, so that each element is copied about log2(count) times. */
function concatenate(launcher: Launcher, inputs: readonly Operand[], y: Operand, axis: number): Value {
  const rows = sizeOf(y.shape.slice(0, axis));
  let parts = inputs.map((input) => ({
    value: launcher.valueOf(input).retain(),
    width: sizeOf(input.shape.slice(axis)),
  }));
  while (parts.length > 1) {
    const next: typeof parts = [];
    for (let i = 0; i < parts.length; i += 2) {
      const [left, right] = [parts[i]!, parts[i + 1]];
      if (!right) {
        next.push(left);
        continue;
      }
      const value = joinRows(launcher, left.value, left.width, right.value, right.width, rows);
      left.value.release();
      right.value.release();
      next.push({ value, width: left.width + right.width });
    }
    parts = next;
  }
  return parts[0]!.value;
}

/** Kernels that move values without computing. */
export function moveKernels(launcher: Launcher): Record<string, Kernel> {
  const copy = (x: Operand, y: Operand, strides: readonly number[], offset = 0): void =>
    launcher.store(y, stridedCopy(launcher, launcher.valueOf(x), y.shape, strides, offset));
  return {
    permute([x], [y], { order }) {
      const strides = stridesOf(x!.shape);
      copy(
        x!,
        y!,
        (order as number[]).map((axis) => strides[axis]!),
      );
    },
    slice([x], [y], { starts }) {
      const strides = stridesOf(x!.shape);
      copy(x!, y!, strides, offsetOf(strides, starts as number[]));
    },
    split([x], outputs, { axis, sizes }) {
      const strides = stridesOf(x!.shape);
      let first = 0;
      outputs.forEach((y, i) => {
        if (y) copy(x!, y, strides, first * strides[axis as number]!);
        first += (sizes as number[])[i]!;
      });
    },
    broadcast([x], [y]) {
      const own = stridesOf(x!.shape);
      const lead = y!.shape.length - x!.shape.length;
      copy(
        x!,
        y!,
        y!.shape.map((_, axis) => (axis < lead || x!.shape[axis - lead] === 1 ? 0 : own[axis - lead]!)),
      );
    },
    pad: ([x], [y], { before, value }) =>
      launcher.store(y!, pad(launcher, x!, y!, before as number[], value as number)),
    concatenate: (inputs, [y], { axis }) => launcher.store(y!, concatenate(launcher, inputs, y!, axis as number)),
    assign: ([target, source]) => launcher.store(target!, launcher.valueOf(source!).retain()),
    assignSlice: ([target, source], _, { starts }) =>
      launcher.store(target!, withBlock(launcher, target!, source!, starts as number[])),
  };
}
