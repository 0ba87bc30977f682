import { type Kernel, type Operand, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { divideText, positionText, program } from "../program.ts";
import type { Value } from "../value.ts";
import { product } from "./matmul.ts";
import { expOf, logOf, rowProducts, rowText, softmaxStatistics } from "./softmax.ts";

/**
 * Sizes of one call. The query heads that share a key/value head lie side by side, so their queries are the rows of one
 * matrix: `groups` products of `rows` by S.
 */
interface Sizes {
  readonly groups: number;
  readonly rows: number;
  readonly heads: number;
  readonly T: number;
  readonly S: number;
  readonly D: number;
  readonly Dv: number;
}

function sizesOf(q: Operand, v: Operand): Sizes {
  const [B, heads, T, D] = q.shape as [number, number, number, number];
  const [, G, S, Dv] = v.shape as [number, number, number, number];
  return { groups: B * G, rows: (heads / G) * T, heads, T, S, D, Dv };
}

/** Mask and bias as kernels read them: each has a batch and a head, or one for all. */
interface Extras {
  readonly names: readonly ("Mask" | "Bias")[];
  readonly values: readonly Value[];
  /** for each, elements from one batch and one head to the next */
  readonly steps: readonly number[];
}

type Attributes = Readonly<Record<string, unknown>>;

function extrasOf(launcher: Launcher, inputs: readonly Operand[], { hasMask, hasBias }: Attributes): Extras {
  const names = [...(hasMask ? ["Mask" as const] : []), ...(hasBias ? ["Bias" as const] : [])];
  const operands = names.map((_, i) => inputs[3 + i]!);
  const steps = operands.flatMap(({ shape }) => {
    const [batches, heads, T, S] = shape as [number, number, number, number];
    return [batches === 1 ? 0 : heads * T * S, heads === 1 ? 0 : T * S];
  });
  return { names, values: operands.map((operand) => launcher.valueOf(operand)), steps };
}

/** `score`: the scaled product a, with the bias, -Infinity behind the mask. Mask and bias are the arrays from `first` on. */
function scoreText({ names }: Extras, first: number): string {
  const lines = names.map((name, i) => {
    const element = `${"abcdef"[first + i]}[sample * batch${name} + head * head${name} + cell]`;
    return name === "Mask" ? `const seen = ${element};` : `score = score + ${element};`;
  });
  return `${rowText}
${divideText("plane", "position", "area")}
const cell = position - plane * area;
${divideText("sample", "plane", "heads")}
const head = plane - sample * heads;
let score = a[this.thread.x] * scale;
${lines.join("\n")}
${names.includes("Mask") ? "if (seen < 0.5) { score = -infinity; }" : ""}`;
}

const scoreNames = ({ names }: Extras): string[] => [
  ...["width", "area", "heads", "scale", "infinity"],
  ...names.flatMap((name) => [`batch${name}`, `head${name}`]),
];

const scoreNumbers = ({ steps }: Extras, { T, S, heads }: Sizes, scale: number): number[] => [
  ...[S, T * S, heads, scale, Number.POSITIVE_INFINITY],
  ...steps,
];

/** A row without a visible key has no probabilities, and -Infinity as the logarithm of its sum. */
const probsBody = `${rowText}
if (b[2 * row] < -3.4e38) { return 0 * width; }
let power = a[this.thread.x] - b[2 * row];
${expOf("power")}
return power / b[2 * row + 1];`;

const sumsBody = `${positionText}
if (a[2 * position] < -3.4e38) { return a[2 * position]; }
let rest = a[2 * position + 1];
${logOf("rest")}
return a[2 * position] + rest;`;

const savedProbsBody = (extras: Extras): string => `${scoreText(extras, 2)}
if (b[row] < -3.4e38) { return 0 * width; }
let power = score - b[row];
${expOf("power")}
return power;`;

const products = (launcher: Launcher, q: Value, k: Value, { groups, rows, S, D }: Sizes): Value =>
  product(launcher, {
    ...{ batch: groups, rows, inner: D, columns: S, steps: [D, 1, 1, D] },
    ...{ a: { value: q, step: rows * D }, b: { value: k, step: S * D } },
  });

/** weights [rows, S] times x [S, width], for each group. */
const mixed = (launcher: Launcher, weights: Value, x: Value, { groups, rows, S }: Sizes, width: number): Value =>
  product(launcher, {
    ...{ batch: groups, rows, inner: S, columns: width, steps: [S, 1, width, 1] },
    ...{ a: { value: weights, step: rows * S }, b: { value: x, step: S * width } },
  });

/** The transpose of weights [rows, S] times x [rows, width], for each group. */
const gathered = (launcher: Launcher, weights: Value, x: Value, { groups, rows, S }: Sizes, width: number): Value =>
  product(launcher, {
    ...{ batch: groups, rows: S, inner: rows, columns: width, steps: [1, S, width, 1] },
    ...{ a: { value: weights, step: rows * S }, b: { value: x, step: rows * width } },
  });

function forward(launcher: Launcher, inputs: readonly Operand[], outputs: readonly Operand[], attributes: Attributes) {
  const sizes = sizesOf(inputs[0]!, inputs[2]!);
  const [q, k, v] = inputs.slice(0, 3).map((x) => launcher.valueOf(x)) as [Value, Value, Value];
  const extras = extrasOf(launcher, inputs, attributes);
  const raw = products(launcher, q, k, sizes);
  const made = program(`attention scores ${extras.names}`, 1 + extras.values.length, scoreNames(extras), () => {
    return `${scoreText(extras, 1)}\nreturn score;`;
  });
  const numbers = scoreNumbers(extras, sizes, attributes["scale"] as number);
  const scores = launcher.run(made, raw.length, [raw, ...extras.values], numbers);
  const all = sizes.groups * sizes.rows;
  const statistics = softmaxStatistics(launcher, scores, { rows: all, width: sizes.S });
  const apply = program("attention probs", 2, ["width"], () => probsBody);
  const probs = launcher.run(apply, raw.length, [scores, statistics], [sizes.S]);
  const sums = program("attention sums", 1, [], () => sumsBody);
  launcher.store(outputs[1]!, launcher.run(sums, all, [statistics]));
  launcher.store(outputs[0]!, mixed(launcher, probs, v, sizes, sizes.Dv));
  for (const value of [raw, scores, statistics, probs]) value.release();
}

function backward(
  launcher: Launcher,
  operands: readonly Operand[],
  [dq, dk, dv]: readonly (Operand | undefined)[],
  attributes: Attributes,
) {
  const sizes = sizesOf(operands[0]!, operands[2]!);
  const [q, k, v] = operands.slice(0, 3).map((x) => launcher.valueOf(x)) as [Value, Value, Value];
  const [y, logSums, g] = operands.slice(-3).map((x) => launcher.valueOf(x)) as [Value, Value, Value];
  const extras = extrasOf(launcher, operands, attributes);
  const scale = attributes["scale"] as number;
  const raw = products(launcher, q, k, sizes);
  const again = program(`attention probs again ${extras.names}`, 2 + extras.values.length, scoreNames(extras), () =>
    savedProbsBody(extras),
  );
  const probs = launcher.run(again, raw.length, [raw, logSums, ...extras.values], scoreNumbers(extras, sizes, scale));
  raw.release();
  if (dv) launcher.store(dv, gathered(launcher, probs, g, sizes, sizes.Dv));
  if (dq || dk) {
    const toProbs = products(launcher, g, v, { ...sizes, D: sizes.Dv });
    const means = rowProducts(launcher, g, y, { rows: sizes.groups * sizes.rows, width: sizes.Dv });
    const made = program("attention score gradients", 3, ["width", "scale"], () => {
      return `${rowText}\nreturn a[this.thread.x] * (b[this.thread.x] - c[row]) * scale;`;
    });
    const toScores = launcher.run(made, probs.length, [probs, toProbs, means], [sizes.S, scale]);
    if (dq) launcher.store(dq, mixed(launcher, toScores, k, sizes, sizes.D));
    if (dk) launcher.store(dk, gathered(launcher, toScores, q, sizes, sizes.D));
    for (const value of [toProbs, means, toScores]) value.release();
  }
  probs.release();
}

/** Attention as matrix products and row statistics. Where there is WGSL its own kernel or its matrix products are better. */
export function attentionKernels(launcher: Launcher): Record<string, Kernel> {
  const declines = (operands: readonly Operand[]): boolean =>
    launcher.wgsl !== undefined || operands.some(({ shape }) => sizeOf(shape) === 0);
  return {
    scaledDotProductAttention(inputs, outputs, attributes) {
      if (declines(inputs)) return false;
      forward(launcher, inputs, outputs as readonly Operand[], attributes);
    },
    scaledDotProductAttentionBackward(operands, [dq, dk, dv, ...others], attributes) {
      if (declines(operands) || others.some((other) => other !== undefined)) return false;
      backward(launcher, operands, [dq, dk, dv], attributes);
    },
  };
}
