import { type Kernel, type Operand, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { divideText, positionText, program } from "../program.ts";
import type { Value } from "../value.ts";
import { combineTexts, reduceLines } from "./reduce.ts";

/** Elements of a row that one thread looks at. */
const blockLength = 256;

/** The rows of the last axis. */
export interface Rows {
  readonly rows: number;
  readonly width: number;
}

export const rowsOf = ({ shape }: Pick<Operand, "shape">): Rows => ({
  rows: sizeOf(shape.slice(0, -1)),
  width: shape.at(-1) ?? 1,
});

/** The row and the column of this element; `width` is a number of the program. */
export const rowText = `${positionText}
${divideText("row", "position", "width")}
const column = position - row * width;`;

/** Statements that replace `name` by its exponential; NaN and the ends of the range by hand, as some devices lose them. */
export const expOf = (name: string): string => `if (${name} >= 0 || ${name} < 0) { ${name} = Math.exp(${name}); }`;

/** The same for its logarithm, above 0. */
export const logOf = (name: string): string => `if (${name} > 0) { ${name} = Math.log(${name}); }`;

/** Which block of which row, and which of its two statistics, this element is. */
const statisticText = `${positionText}
${divideText("pair", "position", "2")}
const part = position - 2 * pair;`;

/** A block's largest element, and the sum of the exponentials of the others' distances from it: 0 where all are -Infinity. */
const blockBody = `${statisticText}
${divideText("row", "pair", "blocks")}
const begin = (pair - row * blocks) * span;
const steps = Math.min(span, width - begin);
const base = row * width + begin;
let total = a[base];
for (let k = 1; k < steps; k++) {
  const value = a[base + k];
  ${combineTexts.max}
}
if (part < 0.5) { return total; }
let powers = 0 * width;
if (total < -3.4e38) { return powers; }
for (let i = 0; i < steps; i++) {
  let power = a[base + i] - total;
  ${expOf("power")}
  powers = powers + power;
}
return powers;`;

const joinBody = `${statisticText}
const base = pair * 2 * blocks;
let total = a[base];
for (let k = 1; k < blocks; k++) {
  const value = a[base + 2 * k];
  ${combineTexts.max}
}
if (part < 0.5) { return total; }
let powers = 0 * blocks;
for (let i = 0; i < blocks; i++) {
  let power = a[base + 2 * i] - total;
  ${expOf("power")}
  powers = powers + a[base + 2 * i + 1] * power;
}
return powers;`;

/** For each row its largest element and the sum of e^(x - largest), one after the other. The value belongs to the caller. */
export function softmaxStatistics(launcher: Launcher, x: Value, { rows, width }: Rows): Value {
  const blocks = Math.ceil(width / blockLength);
  const block = program("softmax statistics", 1, ["width", "blocks", "span"], () => blockBody);
  const parts = launcher.run(block, 2 * rows * blocks, [x], [width, blocks, blockLength]);
  if (blocks === 1) return parts;
  const join = program("softmax statistics of blocks", 1, ["blocks"], () => joinBody);
  const whole = launcher.run(join, 2 * rows, [parts], [blocks]);
  parts.release();
  return whole;
}

const productsBody = `${positionText}
${divideText("row", "position", "blocks")}
const begin = (position - row * blocks) * span;
const steps = Math.min(span, width - begin);
const base = row * width + begin;
let total = a[base] * b[base];
for (let k = 1; k < steps; k++) { total = total + a[base + k] * b[base + k]; }
return total;`;

/** The sum of a times b over each row. The value belongs to the caller. */
export function rowProducts(launcher: Launcher, a: Value, b: Value, { rows, width }: Rows): Value {
  const blocks = Math.ceil(width / blockLength);
  const made = program("row products", 2, ["width", "blocks", "span"], () => productsBody);
  const value = launcher.run(made, rows * blocks, [a, b], [width, blocks, blockLength]);
  return blocks === 1 ? value : reduceLines(launcher, "sum", { value, outer: rows, count: blocks, inner: 1 });
}

const applyTexts = {
  softmax: `${rowText}
let power = a[this.thread.x] - b[2 * row];
${expOf("power")}
return power / b[2 * row + 1];`,
  logSoftmax: `${rowText}
let rest = b[2 * row + 1];
${logOf("rest")}
return a[this.thread.x] - b[2 * row] - rest;`,
  softmaxBackward: `${rowText}
return a[this.thread.x] * (b[this.thread.x] - c[row]);`,
  logSoftmaxBackward: `${rowText}
let power = a[this.thread.x];
${expOf("power")}
return b[this.thread.x] - power * c[row];`,
} as const;

/** Softmax and its logarithm along the last axis: statistics of each row, then each element by itself. */
export function softmaxKernels(launcher: Launcher): Record<string, Kernel> {
  const forward =
    (name: "softmax" | "logSoftmax"): Kernel =>
    ([x], [y]) => {
      const size = rowsOf(y!);
      if (size.rows * size.width === 0) return false;
      const value = launcher.valueOf(x!);
      const statistics = softmaxStatistics(launcher, value, size);
      const made = program(name, 2, ["width"], () => applyTexts[name]);
      launcher.store(y!, launcher.run(made, value.length, [value, statistics], [size.width]));
      statistics.release();
    };
  const backward =
    (name: "softmaxBackward" | "logSoftmaxBackward"): Kernel =>
    ([y, g], [dx]) => {
      const size = rowsOf(y!);
      if (size.rows * size.width === 0 || !dx) return false;
      const [value, gradient] = [launcher.valueOf(y!), launcher.valueOf(g!)];
      const sums =
        name === "softmaxBackward"
          ? rowProducts(launcher, value, gradient, size)
          : reduceLines(launcher, "sum", { value: gradient.retain(), outer: size.rows, count: size.width, inner: 1 });
      const made = program(name, 3, ["width"], () => applyTexts[name]);
      launcher.store(dx, launcher.run(made, value.length, [value, gradient, sums], [size.width]));
      sums.release();
    };
  return {
    softmax: forward("softmax"),
    logSoftmax: forward("logSoftmax"),
    softmaxBackward: backward("softmaxBackward"),
    logSoftmaxBackward: backward("logSoftmaxBackward"),
  };
}
