import { broadcastShapes, type Kernel, type Operand, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { divideText, positionText, program } from "../program.ts";
import type { Value } from "../value.ts";
import { type Activation, activationText } from "./activations.ts";
import { stridedCopy, stridesOf } from "./move.ts";

/** One element of the product per thread: the sum over k, four at a time, in its order; then its column's bias. */
const body = (biased: boolean): string => `${positionText}
${divideText("line", "position", "columns")}
const column = position - line * columns;
${divideText("batch", "line", "rows")}
const row = line - batch * rows;
const beginA = batch * batchA + row * rowA;
const beginB = batch * batchB + column * columnB;
const fours = Math.floor(inner / 4);
let total = 0 * inner;
for (let k = 0; k < fours; k++) {
  const p = beginA + 4 * k * columnA;
  const q = beginB + 4 * k * rowB;
  total = total + a[p] * b[q] + a[p + columnA] * b[q + rowB]
    + a[p + 2 * columnA] * b[q + 2 * rowB] + a[p + 3 * columnA] * b[q + 3 * rowB];
}
const rest = inner - 4 * fours;
for (let i = 0; i < rest; i++) {
  const at = 4 * fours + i;
  total = total + a[beginA + at * columnA] * b[beginB + at * rowB];
}
return total${biased ? " + c[column]" : ""};`;

const names = ["rows", "inner", "columns", "batchA", "batchB", "rowA", "columnA", "rowB", "columnB"];

/** Matrices of one operand. */
export interface Batch {
  readonly value: Value;
  /** elements from one matrix to the next; 0 if there is one for all */
  readonly step: number;
}

/** The matrices of one operand, repeated where its leading axes stretch. The value belongs to the caller. */
export function batchOf(launcher: Launcher, x: Operand, batch: readonly number[]): Batch {
  const value = launcher.valueOf(x);
  const lead = x.shape.slice(0, -2);
  const matrix = x.shape.slice(-2);
  const step = sizeOf(matrix);
  if (sizeOf(lead) === 1) return { value: value.retain(), step: 0 };
  if (sizeOf(lead) === sizeOf(batch)) return { value: value.retain(), step };
  const own = stridesOf(x.shape);
  const missing = batch.length - lead.length;
  const strides = batch.map((_, axis) => (axis < missing || lead[axis - missing] === 1 ? 0 : own[axis - missing]!));
  return { value: stridedCopy(launcher, value, [...batch, ...matrix], [...strides, matrix[1]!, 1]), step };
}

const none = "none";

/** x weight^T + bias in one launch. */
function affine(launcher: Launcher, [x, weight, bias]: readonly Operand[]): Value {
  const [rows, inner] = x!.shape as [number, number];
  const columns = weight!.shape[0]!;
  const inputs = [x!, weight!, ...(bias ? [bias] : [])].map((operand) => launcher.valueOf(operand));
  const made = program(`matmul${bias ? " with bias" : ""}`, inputs.length, names, () => body(bias !== undefined));
  return launcher.run(made, rows * columns, inputs, [rows, inner, columns, 0, 0, inner, 1, 1, inner]);
}

/** Products of matrices, and the linear layer made of one. */
export function matmulKernels(launcher: Launcher): Record<string, Kernel> {
  return {
    matmul([a, b], [y], { transposeA, transposeB }) {
      const length = sizeOf(y!.shape);
      const [rowsA, columnsA] = a!.shape.slice(-2) as [number, number];
      const columnsB = b!.shape.at(-1)!;
      const inner = transposeA ? rowsA : columnsA;
      const [rows, columns] = y!.shape.slice(-2) as [number, number];
      if (length === 0 || inner === 0) {
        launcher.store(y!, launcher.constant(length, 0));
        return;
      }
      const batch = broadcastShapes("matmul", a!.shape.slice(0, -2), b!.shape.slice(0, -2));
      const [left, right] = [batchOf(launcher, a!, batch), batchOf(launcher, b!, batch)];
      const stepsA = transposeA ? [1, columnsA] : [columnsA, 1];
      const stepsB = transposeB ? [1, columnsB] : [columnsB, 1];
      const made = program("matmul", 2, names, () => body(false));
      const numbers = [rows, inner, columns, left.step, right.step, ...stepsA, ...stepsB];
      launcher.store(y!, launcher.run(made, length, [left.value, right.value], numbers));
      left.value.release();
      right.value.release();
    },
    linear(inputs, [y, before], attributes) {
      const activation = attributes["activation"] as Activation | typeof none;
      if (inputs[0]!.shape[1] === 0 || sizeOf(y!.shape) === 0) return false;
      const sums = affine(launcher, inputs);
      if (activation === none) {
        launcher.store(y!, sums);
        return;
      }
      launcher.store(before!, sums);
      const made = program(`activation ${activation}`, 1, [], () => activationText(activation));
      launcher.store(y!, launcher.run(made, sums.length, [sums]));
    },
  };
}
