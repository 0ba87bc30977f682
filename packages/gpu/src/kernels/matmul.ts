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

/** From here on four elements a thread are faster than one, though another launch spreads them. */
const leastInner = 16;

/** Blocks of 2 x 2 elements, for half the reads of one element a thread. At the edges the last row or column twice. */
const foursBody = `${positionText}
${divideText("line", "position", "acrossB")}
const column = 2 * (position - line * acrossB);
${divideText("batch", "line", "downA")}
const row = 2 * (line - batch * downA);
const beginA = batch * batchA + row * rowA;
const beginB = batch * batchB + column * columnB;
const below = batch * batchA + Math.min(row + 1, rows - 1) * rowA;
const right = batch * batchB + Math.min(column + 1, columns - 1) * columnB;
let topLeft = 0 * inner;
let topRight = 0 * inner;
let bottomLeft = 0 * inner;
let bottomRight = 0 * inner;
for (let k = 0; k < inner; k++) {
  const p = k * columnA;
  const q = k * rowB;
  const va = a[beginA + p];
  const vb = a[below + p];
  const vc = b[beginB + q];
  const vd = b[right + q];
  topLeft = topLeft + va * vc;
  topRight = topRight + va * vd;
  bottomLeft = bottomLeft + vb * vc;
  bottomRight = bottomRight + vb * vd;
}
return [topLeft, topRight, bottomLeft, bottomRight];`;

/** Spreads the blocks over the rows and columns they stand for. */
const spreadBody = (biased: boolean): string => `${positionText}
${divideText("line", "position", "columns")}
const column = position - line * columns;
${divideText("batch", "line", "rows")}
const row = line - batch * rows;
const halfRow = Math.floor(row * 0.5);
const halfColumn = Math.floor(column * 0.5);
const block = a[(batch * downA + halfRow) * acrossB + halfColumn];
let found = block[0];
if (column - 2 * halfColumn > 0.5) { found = block[1]; }
if (row - 2 * halfRow > 0.5) {
  found = block[2];
  if (column - 2 * halfColumn > 0.5) { found = block[3]; }
}
return found${biased ? " + b[column]" : ""};`;

function productOfFours(launcher: Launcher, { batch, rows, columns, a, b, bias }: Product, numbers: number[]): Value {
  const [downA, acrossB] = [Math.ceil(rows / 2), Math.ceil(columns / 2)];
  const written = program("matmul fours", 2, [...names, "downA", "acrossB"], () => foursBody);
  const inputs = [a.value, b.value];
  const blocks = launcher.run({ ...written, fours: "written" }, batch * downA * acrossB, inputs, [
    ...numbers,
    downA,
    acrossB,
  ]);
  const read = program(
    `matmul of fours${bias ? " with bias" : ""}`,
    bias ? 2 : 1,
    ["rows", "columns", "downA", "acrossB"],
    () => spreadBody(bias !== undefined),
  );
  const spread = bias ? [blocks, bias] : [blocks];
  const result = launcher.run({ ...read, fours: "read" }, batch * rows * columns, spread, [
    rows,
    columns,
    downA,
    acrossB,
  ]);
  blocks.release();
  return result;
}

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

interface Product {
  readonly batch: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly a: Batch;
  readonly b: Batch;
  /** elements between neighboring rows and columns of a, then of b */
  readonly steps: readonly number[];
  readonly bias?: Value | undefined;
}

/** The products of a batch of matrices. The value belongs to the caller. */
export function product(launcher: Launcher, parts: Product): Value {
  const { batch, rows, inner, columns, a, b, steps, bias } = parts;
  const numbers = [rows, inner, columns, a.step, b.step, ...steps];
  if (launcher.device.name === "webgl2" && rows > 1 && columns > 1 && inner >= leastInner)
    return productOfFours(launcher, parts, numbers);
  const inputs = [a.value, b.value, ...(bias ? [bias] : [])];
  const made = program(`matmul${bias ? " with bias" : ""}`, inputs.length, names, () => body(bias !== undefined));
  return launcher.run(made, batch * rows * columns, inputs, numbers);
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
      const sizes = { batch: sizeOf(batch), rows, inner, columns };
      launcher.store(y!, product(launcher, { ...sizes, a: left, b: right, steps: [...stepsA, ...stepsB] }));
      left.value.release();
      right.value.release();
    },
    linear(inputs, [y, before], attributes) {
      const activation = attributes["activation"] as Activation | typeof none;
      if (inputs[0]!.shape[1] === 0 || sizeOf(y!.shape) === 0) return false;
      const [x, weight, bias] = inputs.map((input) => launcher.valueOf(input));
      const [rows, inner] = inputs[0]!.shape as [number, number];
      const sums = product(launcher, {
        ...{ batch: 1, rows, inner, columns: y!.shape[1]!, steps: [inner, 1, 1, inner], bias },
        ...{ a: { value: x!, step: 0 }, b: { value: weight!, step: 0 } },
      });
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
