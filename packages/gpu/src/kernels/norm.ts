import { type Kernel, type Operand, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { divideText, positionText, program } from "../program.ts";
import type { Value } from "../value.ts";
import { reduceLines } from "./reduce.ts";
import { type Rows, rowsOf, rowText } from "./softmax.ts";

/** One thread walks a row: longer ones run as the composition, whose sums are shared among threads. */
const longestRow = 4096;

/** Rows whose contributions to the gradient of a gain one thread adds up. */
const blockRows = 64;

const meanBody = `const base = Math.floor(this.thread.x) * width;
let total = a[base];
for (let k = 1; k < width; k++) { total = total + a[base + k]; }
return total / width;`;

/** `centered`: the mean of the row is b. */
const factorBody = (centered: boolean): string => `const base = Math.floor(this.thread.x) * width;
let total = 0 * width;
for (let k = 0; k < width; k++) {
  const apart = a[base + k]${centered ? " - b[this.thread.x]" : ""};
  total = total + apart * apart;
}
return 1 / Math.sqrt(total / width + epsilon);`;

/** Names of the arrays of a text, in the order in which the kernel gets them. */
type Arrays = Readonly<Record<"x" | "gain" | "mean" | "factor" | "g" | "means" | "bias", string>>;

const letters = ["a", "b", "c", "d", "e", "f"] as const;

const named = (...names: readonly (keyof Arrays)[]): Arrays =>
  Object.fromEntries(names.map((name, i) => [name, letters[i]!])) as Arrays;

const minusMean = (centered: boolean, { mean }: Arrays): string => (centered ? ` - ${mean}[row]` : "");

/** Means over the row of h = g * gain and, in the second place, of h times the normalized x; without a center only the latter. */
const backwardMeansBody = (centered: boolean, arrays: Arrays): string => {
  const { x, gain, factor, g } = arrays;
  return `${positionText}
${centered ? `${divideText("row", "position", "2")}\nconst part = position - 2 * row;` : "const row = position;"}
const base = row * width;
const scale = ${factor}[row];
let total = 0 * width;
for (let k = 0; k < width; k++) {
  const h = ${g}[base + k] * ${gain}[k];
  const normal = (${x}[base + k]${minusMean(centered, arrays)}) * scale;
  ${centered ? "let share = h;\n  if (part > 0.5) { share = h * normal; }" : "const share = h * normal;"}
  total = total + share;
}
return total / width;`;
};

const backwardBody = (centered: boolean, arrays: Arrays): string => {
  const { x, gain, factor, g, means } = arrays;
  const [h, along] = centered ? [` - ${means}[2 * row]`, `${means}[2 * row + 1]`] : ["", `${means}[row]`];
  return `${rowText}
const scale = ${factor}[row];
const normal = (${x}[this.thread.x]${minusMean(centered, arrays)}) * scale;
return scale * (${g}[this.thread.x] * ${gain}[column]${h} - normal * ${along});`;
};

/** The sum over a block of rows of g times the normalized x, for each column. */
const gainBody = (centered: boolean, arrays: Arrays): string => {
  const { x, factor, g } = arrays;
  return `${positionText}
${divideText("block", "position", "width")}
const column = position - block * width;
const steps = Math.min(span, rows - block * span);
let total = 0 * width;
for (let k = 0; k < steps; k++) {
  const row = block * span + k;
  const at = row * width + column;
  total = total + ${g}[at] * (${x}[at]${minusMean(centered, arrays)}) * ${factor}[row];
}
return total;`;
};

/** What a backward kernel reads; `mean` is there in a layer norm only. */
interface Saved {
  readonly x: Value;
  readonly gain: Value;
  readonly mean: Value | undefined;
  readonly factor: Value;
  readonly g: Value;
}

function inputGradient(launcher: Launcher, { x, gain, mean, factor, g }: Saved, { rows, width }: Rows): Value {
  const centered = mean !== undefined;
  const name = centered ? "layerNorm" : "rmsNorm";
  const inputs = [x, gain, ...(centered ? [mean] : []), factor, g];
  const arrays = centered
    ? named("x", "gain", "mean", "factor", "g", "means")
    : named("x", "gain", "factor", "g", "means");
  const statistics = program(`${name} backward means`, inputs.length, ["width"], () =>
    backwardMeansBody(centered, arrays),
  );
  const means = launcher.run(statistics, centered ? 2 * rows : rows, inputs, [width]);
  const made = program(`${name} backward`, inputs.length + 1, ["width"], () => backwardBody(centered, arrays));
  const dx = launcher.run(made, rows * width, [...inputs, means], [width]);
  means.release();
  return dx;
}

function gainGradient(launcher: Launcher, { x, mean, factor, g }: Saved, { rows, width }: Rows): Value {
  const centered = mean !== undefined;
  const inputs = [x, ...(centered ? [mean] : []), factor, g];
  const arrays = centered ? named("x", "mean", "factor", "g") : named("x", "factor", "g");
  const made = program(`${centered ? "layerNorm" : "rmsNorm"} gain`, inputs.length, ["width", "rows", "span"], () =>
    gainBody(centered, arrays),
  );
  const blocks = Math.ceil(rows / blockRows);
  const value = launcher.run(made, blocks * width, inputs, [width, rows, blockRows]);
  return blocks === 1 ? value : reduceLines(launcher, "sum", { value, outer: 1, count: blocks, inner: width });
}

const declined = (x: Operand): boolean => sizeOf(x.shape) === 0 || rowsOf(x).width > longestRow;

function forward(launcher: Launcher, x: Operand, gain: Operand, bias: Operand | undefined) {
  const size = rowsOf(x);
  const value = launcher.valueOf(x);
  return {
    mean: () =>
      launcher.run(
        program("row mean", 1, ["width"], () => meanBody),
        size.rows,
        [value],
        [size.width],
      ),
    factor(mean: Value | undefined, epsilon: number) {
      const made = program(`norm factor${mean ? " centered" : ""}`, mean ? 2 : 1, ["width", "epsilon"], () =>
        factorBody(mean !== undefined),
      );
      return launcher.run(made, size.rows, [value, ...(mean ? [mean] : [])], [size.width, epsilon]);
    },
    result(mean: Value | undefined, factor: Value) {
      const arrays = mean ? named("x", "gain", "factor", "mean", "bias") : named("x", "gain", "factor");
      const inputs = [
        value,
        launcher.valueOf(gain),
        factor,
        ...(mean ? [mean] : []),
        ...(bias ? [launcher.valueOf(bias)] : []),
      ];
      const made = program(`norm of ${inputs.length}`, inputs.length, ["width"], () => {
        const apart = `(a[this.thread.x]${minusMean(mean !== undefined, arrays)})`;
        return `${rowText}\nreturn ${apart} * c[row] * b[column]${bias ? " + e[column]" : ""};`;
      });
      return launcher.run(made, value.length, inputs, [size.width]);
    },
  };
}

/** Norms of the last axis, one thread a row for its statistics, then one an element. */
export function normKernels(launcher: Launcher): Record<string, Kernel> {
  const backward = (saved: Saved, x: Operand, [dx, dgain, dbias]: readonly (Operand | undefined)[]): void => {
    const size = rowsOf(x);
    if (dx) launcher.store(dx, inputGradient(launcher, saved, size));
    if (dgain) launcher.store(dgain, gainGradient(launcher, saved, size));
    const lines = { value: saved.g, outer: 1, count: size.rows, inner: size.width };
    if (dbias) launcher.store(dbias, reduceLines(launcher, "sum", { ...lines, value: saved.g.retain() }));
  };
  return {
    layerNorm([x, gain, bias], [y, mean, factor], { epsilon }) {
      if (declined(x!)) return false;
      const norm = forward(launcher, x!, gain!, bias);
      const means = norm.mean();
      launcher.store(mean!, means);
      const factors = norm.factor(means, epsilon as number);
      launcher.store(factor!, factors);
      launcher.store(y!, norm.result(means, factors));
    },
    rmsNorm([x, gain], [y, factor], { epsilon }) {
      if (declined(x!)) return false;
      const norm = forward(launcher, x!, gain!, undefined);
      const factors = norm.factor(undefined, epsilon as number);
      launcher.store(factor!, factors);
      launcher.store(y!, norm.result(undefined, factors));
    },
    layerNormBackward([x, ...others], gradients) {
      if (declined(x!)) return false;
      const [gain, mean, factor, g] = others.map((operand) => launcher.valueOf(operand)) as [
        Value,
        Value,
        Value,
        Value,
      ];
      backward({ x: launcher.valueOf(x!), gain, mean, factor, g }, x!, gradients);
    },
    rmsNormBackward([x, ...others], gradients) {
      if (declined(x!)) return false;
      const [gain, factor, g] = others.map((operand) => launcher.valueOf(operand)) as [Value, Value, Value];
      backward({ x: launcher.valueOf(x!), gain, mean: undefined, factor, g }, x!, gradients);
    },
  };
}
