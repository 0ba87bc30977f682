import { type Kernel, type Operand, sizeOf } from "@heed/tensor";
import { rowsOf } from "../kernels/softmax.ts";
import type { Launcher } from "../launch.ts";
import type { Value } from "../value.ts";
import type { WgslProgram } from "../wgsl-program.ts";
import { gridOf, perElement, uniform } from "./grid.ts";
import { perColumn, type RowCode, rowCode, rowThreads } from "./row-code.ts";

const programs = new Map<string, WgslProgram>();

/** Runs a row kernel over all rows of `x`. */
export function runRows(
  launcher: Launcher,
  key: string,
  code: () => RowCode,
  call: {
    readonly rows: number;
    readonly width: number;
    readonly inputs: readonly Operand[];
    readonly outputLengths: readonly number[];
    readonly numbers?: readonly number[];
  },
): Value[] {
  const isShared = !launcher.isSoftware;
  const name = `${key}${isShared ? "" : ", a row each"}`;
  let program = programs.get(name);
  if (!program) {
    const made = code();
    program = { key: name, code: rowCode(made, isShared), inputs: made.inputs.length, outputs: made.outputs.length };
    programs.set(name, program);
  }
  const units = isShared ? call.rows : Math.ceil(call.rows / rowThreads);
  const down = Math.ceil(units / launcher.wgsl!.workgroupsPerDimension);
  const across = Math.ceil(units / down);
  return launcher.runWgsl(program, {
    inputs: call.inputs.map((input) => launcher.valueOf(input)),
    outputLengths: call.outputLengths,
    params: uniform([call.rows, call.width, across], call.numbers),
    workgroups: [across, down, 1],
  });
}

/** Whether rows are too short to be shared among threads: one thread an element is better then. */
export const tooShort = ({ shape }: Operand): boolean => sizeOf(shape) === 0 || shape.at(-1)! < rowThreads / 2;

/** The largest element of the row, and the sum of the exponentials of the distances from it. */
const statistics = `var top = x[begin];
${perColumn("top = max(top, x[at]);")}
let largest = largestOf(top, lane);
var part = 0.0;
${perColumn("part += power(x[at] - largest);")}
let total = sumOf(part, lane);`;

const softmaxCodes: Readonly<Record<string, RowCode>> = {
  softmax: {
    ...{ inputs: ["x"], outputs: ["y"] },
    body: `${statistics}\n${perColumn("y[at] = power(x[at] - largest) / total;")}`,
  },
  logSoftmax: {
    ...{ inputs: ["x"], outputs: ["y"] },
    body: `${statistics}\nlet rest = logarithm(total);\n${perColumn("y[at] = x[at] - largest - rest;")}`,
  },
  softmaxBackward: {
    ...{ inputs: ["y", "g"], outputs: ["dx"] },
    body: `var part = 0.0;\n${perColumn("part += y[at] * g[at];")}\nlet total = sumOf(part, lane);
${perColumn("dx[at] = y[at] * (g[at] - total);")}`,
  },
  logSoftmaxBackward: {
    ...{ inputs: ["y", "g"], outputs: ["dx"] },
    body: `var part = 0.0;\n${perColumn("part += g[at];")}\nlet total = sumOf(part, lane);
${perColumn("dx[at] = g[at] - power(y[at]) * total;")}`,
  },
};

/** The class of a row's target, 0 where there is none in range; whether it counts. */
const target = (row: string): string => `let wanted = u32(clamp(i32(targets[${row}]), 0, i32(p.width) - 1));
let counts = targets[${row}] != p.ignored;`;

const lossCode = (weighted: boolean): RowCode => ({
  inputs: ["x", "targets", ...(weighted ? ["weights"] : [])],
  outputs: ["losses", "sums"],
  numbers: ["ignored", "smoothing"],
  body: `${statistics}
let rest = logarithm(total);
${target("row")}
var apart = 0.0;
if (p.smoothing > 0.0) { ${perColumn("apart += largest - x[at];")} }
let spread = sumOf(apart, lane) / f32(p.width);
if (lane == 0u) {
var loss = largest - x[begin + wanted] + rest;
if (p.smoothing > 0.0) { loss = loss * (1.0 - p.smoothing) + (spread + rest) * p.smoothing; }
if (!counts) { loss = 0.0; }
losses[row] = loss${weighted ? " * weights[row]" : ""};
sums[row] = largest + rest;
}`,
});

const lossBackward = (weighted: boolean): WgslProgram => ({
  key: `softmaxCrossEntropyBackward${weighted ? " weighted" : ""}`,
  code: `struct Params { length : u32, across : u32, width : u32, ignored : f32, smoothing : f32 }
@group(0) @binding(0) var<uniform> p : Params;
@group(0) @binding(1) var<storage, read> x : array<f32>;
@group(0) @binding(2) var<storage, read> targets : array<f32>;
@group(0) @binding(3) var<storage, read> sums : array<f32>;
@group(0) @binding(4) var<storage, read> g : array<f32>;
${weighted ? "@group(0) @binding(5) var<storage, read> weights : array<f32>;" : ""}
@group(0) @binding(${weighted ? 6 : 5}) var<storage, read_write> dx : array<f32>;
fn power(x : f32) -> f32 { if (x >= 0.0 || x < 0.0) { return exp(x); } return x; }
${perElement}
let row = i / p.width;
${target("row")}
if (!counts) { dx[i] = 0.0; return; }
let share = p.smoothing / f32(p.width) + select(0.0, 1.0 - p.smoothing, i % p.width == wanted);
dx[i] = (power(x[i] - sums[row]) - share) * g[row]${weighted ? " * weights[row]" : ""};
}`,
  ...{ inputs: weighted ? 5 : 4, outputs: 1 },
});

/** Softmax, its logarithm, and cross-entropy: a workgroup for each row. */
export function rowWgsl(launcher: Launcher): Record<string, Kernel> {
  const rowwise = (name: string): [string, Kernel] => [
    name,
    (inputs, [y]) => {
      if (!y || tooShort(y)) return false;
      const outputLengths = [sizeOf(y.shape)];
      const [found] = runRows(launcher, name, () => softmaxCodes[name]!, { ...rowsOf(y), inputs, outputLengths });
      launcher.store(y, found!);
      return true;
    },
  ];
  return {
    ...Object.fromEntries(Object.keys(softmaxCodes).map(rowwise)),
    softmaxCrossEntropy(inputs, [losses, sums], { labelSmoothing, ignoreIndex }) {
      if (tooShort(inputs[0]!)) return false;
      const { rows, width } = rowsOf(inputs[0]!);
      const weighted = inputs.length > 2;
      const found = runRows(launcher, `softmaxCrossEntropy${weighted ? " weighted" : ""}`, () => lossCode(weighted), {
        ...{ rows, width, inputs, outputLengths: [rows, rows] },
        numbers: [ignoreIndex as number, labelSmoothing as number],
      });
      launcher.store(losses!, found[0]!);
      launcher.store(sums!, found[1]!);
      return true;
    },
    softmaxCrossEntropyBackward(operands, [dlogits, , dweights], { labelSmoothing, ignoreIndex }) {
      const [logits, targets] = operands as [Operand, Operand];
      const length = sizeOf(logits.shape);
      if (dweights || !dlogits || length === 0) return false;
      const weights = operands.slice(2, -2);
      const { across, workgroups } = gridOf(launcher, length);
      const numbers = [ignoreIndex as number, labelSmoothing as number];
      const [found] = launcher.runWgsl(lossBackward(weights.length > 0), {
        inputs: [logits, targets, ...operands.slice(-2), ...weights].map((x) => launcher.valueOf(x)),
        outputLengths: [length],
        params: uniform([length, across, logits.shape[1]!], numbers),
        workgroups,
      });
      launcher.store(dlogits, found!);
      return true;
    },
  };
}
