import { type Kernel, type Operand, sizeOf } from "@heed/tensor";
import { rowsOf } from "../kernels/softmax.ts";
import type { Launcher } from "../launch.ts";
import type { Value } from "../value.ts";
import type { WgslProgram } from "../wgsl-program.ts";
import { gridOf, perElement, uniform } from "./grid.ts";
import { perColumn, type RowCode } from "./row-code.ts";
import { runRows, tooShort } from "./rows.ts";

/** Rows whose shares of a gradient one thread adds up before the sums of these blocks are added. */
const blockRows = 64;

/** Mean (of a centered norm), then the factor that makes the mean square 1, then the row itself. */
const forwardCode = (centered: boolean, biased: boolean): RowCode => ({
  inputs: ["x", "gain", ...(biased ? ["bias"] : [])],
  outputs: ["y", ...(centered ? ["means"] : []), "factors"],
  numbers: ["epsilon"],
  body: `${
    centered
      ? `var sum = 0.0;
${perColumn("sum += x[at];")}
let mean = sumOf(sum, lane) / f32(p.width);`
      : "let mean = 0.0;"
  }
var squares = 0.0;
${perColumn("let apart = x[at] - mean; squares += apart * apart;")}
let factor = 1.0 / sqrt(sumOf(squares, lane) / f32(p.width) + p.epsilon);
if (lane == 0u) { ${centered ? "means[row] = mean; " : ""}factors[row] = factor; }
${perColumn(`y[at] = (x[at] - mean) * factor * gain[i]${biased ? " + bias[i]" : ""};`)}`,
});

const backwardCode = (centered: boolean): RowCode => ({
  inputs: ["x", "gain", ...(centered ? ["means"] : []), "factors", "g"],
  outputs: ["dx"],
  body: `let mean = ${centered ? "means[row]" : "0.0"};
let factor = factors[row];
var plain = 0.0; var along = 0.0;
${perColumn("let h = g[at] * gain[i]; plain += h; along += h * (x[at] - mean) * factor;")}
let plainMean = ${centered ? "sumOf(plain, lane) / f32(p.width)" : "0.0"};
let alongMean = sumOf(along, lane) / f32(p.width);
${perColumn("dx[at] = factor * (g[at] * gain[i] - plainMean - (x[at] - mean) * factor * alongMean);")}`,
});

const columnParams = `struct Params { length : u32, across : u32, rows : u32, width : u32 }
@group(0) @binding(0) var<uniform> p : Params;`;

/** For each block of rows and each column the shares of the gradients of gain and bias. */
const blocksProgram = (centered: boolean): WgslProgram => ({
  key: `norm gradients of blocks${centered ? " centered" : ""}`,
  code: `${columnParams}
@group(0) @binding(1) var<storage, read> x : array<f32>;
@group(0) @binding(2) var<storage, read> g : array<f32>;
@group(0) @binding(3) var<storage, read> factors : array<f32>;
${centered ? "@group(0) @binding(4) var<storage, read> means : array<f32>;" : ""}
@group(0) @binding(${centered ? 5 : 4}) var<storage, read_write> gains : array<f32>;
@group(0) @binding(${centered ? 6 : 5}) var<storage, read_write> biases : array<f32>;
${perElement}
let first = i / p.width * ${blockRows}u;
let column = i % p.width;
var gain = 0.0; var bias = 0.0;
for (var row = first; row < min(first + ${blockRows}u, p.rows); row++) {
let at = row * p.width + column;
gain += g[at] * (x[at]${centered ? " - means[row]" : ""}) * factors[row];
bias += g[at];
}
gains[i] = gain;
biases[i] = bias;
}`,
  ...{ inputs: centered ? 4 : 3, outputs: 2 },
});

/** Sums of columns. */
const columnsProgram: WgslProgram = {
  key: "column sums",
  code: `${columnParams}
@group(0) @binding(1) var<storage, read> x : array<f32>;
@group(0) @binding(2) var<storage, read_write> sums : array<f32>;
${perElement}
var sum = 0.0;
for (var row = 0u; row < p.rows; row++) { sum += x[row * p.width + i]; }
sums[i] = sum;
}`,
  ...{ inputs: 1, outputs: 1 },
};

/** Gradients of gain and bias, where they are wanted. */
function columnGradients(
  launcher: Launcher,
  inputs: readonly Operand[],
  outputs: readonly (Operand | undefined)[],
  { rows, width }: { readonly rows: number; readonly width: number },
): void {
  if (!outputs.some((output) => output)) return;
  const blocks = Math.ceil(rows / blockRows);
  const grid = gridOf(launcher, blocks * width);
  const parts = launcher.runWgsl(blocksProgram(inputs.length === 4), {
    inputs: inputs.map((input) => launcher.valueOf(input)),
    outputLengths: [blocks * width, blocks * width],
    params: uniform([blocks * width, grid.across, rows, width]),
    workgroups: grid.workgroups,
  });
  parts.forEach((part: Value, i) => {
    const output = outputs[i];
    if (output && blocks === 1) {
      launcher.store(output, part);
      return;
    }
    if (output) {
      const { across, workgroups } = gridOf(launcher, width);
      const params = uniform([width, across, blocks, width]);
      const call = { inputs: [part], outputLengths: [width], params, workgroups };
      launcher.store(output, launcher.runWgsl(columnsProgram, call)[0]!);
    }
    part.release();
  });
}

/** Norms of the last axis: a workgroup for each row. */
export function normWgsl(launcher: Launcher): Record<string, Kernel> {
  const forward =
    (centered: boolean): Kernel =>
    (inputs, outputs, { epsilon }) => {
      const x = inputs[0]!;
      if (tooShort(x)) return false;
      const { rows, width } = rowsOf(x);
      const biased = inputs.length > 2;
      const found = runRows(launcher, `norm ${centered} ${biased}`, () => forwardCode(centered, biased), {
        ...{ rows, width, inputs, numbers: [epsilon as number] },
        outputLengths: [rows * width, ...(centered ? [rows] : []), rows],
      });
      for (const [i, value] of found.entries()) launcher.store(outputs[i]!, value);
      return true;
    };
  const backward =
    (centered: boolean): Kernel =>
    (operands, [dx, ...others]) => {
      const x = operands[0]!;
      if (tooShort(x)) return false;
      const { rows, width } = rowsOf(x);
      const [g, factors] = [operands.at(-1)!, operands.at(-2)!];
      if (dx) {
        const call = { rows, width, inputs: operands, outputLengths: [sizeOf(x.shape)] };
        const [found] = runRows(launcher, `norm backward ${centered}`, () => backwardCode(centered), call);
        launcher.store(dx, found!);
      }
      columnGradients(launcher, [x, g, factors, ...(centered ? [operands[2]!] : [])], others, { rows, width });
      return true;
    };
  return {
    layerNorm: forward(true),
    rmsNorm: forward(false),
    layerNormBackward: backward(true),
    rmsNormBackward: backward(false),
  };
}
