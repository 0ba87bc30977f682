import type { Kernel, Operand } from "../../../backend.ts";
import { sizeOf } from "../../../shape.ts";
import { addressOf, floatBits, type WasmRuntime } from "../runtime.ts";
import { addRows } from "./reduce.ts";

/** Elements of a chunk of rows. */
const CHUNK = 16384;
/** Most chunks of a gradient of gain and bias: each has sums of its own, which are added afterwards. */
const MOST_PARTIALS = 64;

interface Rows {
  readonly rows: number;
  /** elements of a row */
  readonly n: number;
  readonly perChunk: number;
  readonly chunks: number;
}

/** How rows of the last axis are shared among threads: by their number and length alone. */
function planRows({ shape }: Operand, mostChunks = Number.POSITIVE_INFINITY): Rows {
  const n = shape.at(-1) ?? 1;
  const rows = sizeOf(shape.slice(0, -1));
  const perChunk = Math.max(1, Math.floor(CHUNK / Math.max(1, n)), Math.ceil(rows / mostChunks));
  return { rows, n, perChunk, chunks: n === 0 ? 0 : Math.ceil(rows / perChunk) };
}

const allFloat32 = (operands: readonly Operand[]): boolean => operands.every(({ dtype }) => dtype === "float32");

/** Softmax and its logarithm: kernels of one or two rows in, one out. */
function softmaxKernels(runtime: WasmRuntime): Record<string, Kernel> {
  const kernels: Record<string, Kernel> = {};
  for (const name of ["softmax", "softmaxBackward", "logSoftmax", "logSoftmaxBackward"]) {
    kernels[name] = (inputs, [y]) => {
      if (!y) return;
      if (!allFloat32(inputs)) return false;
      const { rows, n, perChunk, chunks } = planRows(y);
      const addresses = [...inputs, y].map(addressOf);
      runtime.run(name, [...addresses, ...(addresses.length < 3 ? [0] : []), rows, n, perChunk], chunks, rows * n);
    };
  }
  return kernels;
}

function crossEntropyKernels(runtime: WasmRuntime): Record<string, Kernel> {
  const common = (
    logits: Operand,
    targets: Operand,
    weights: Operand | undefined,
    { labelSmoothing, ignoreIndex }: Readonly<Record<string, unknown>>,
  ) => {
    const { rows, n, perChunk, chunks } = planRows(logits);
    const words = (losses: number, logSumExp: number): number[] => [
      ...[
        addressOf(logits),
        addressOf(targets),
        weights ? addressOf(weights) : 0,
        losses,
        logSumExp,
        rows,
        n,
        perChunk,
      ],
      ...[floatBits(labelSmoothing as number), ignoreIndex as number],
    ];
    return { words, chunks, nanoseconds: rows * n };
  };
  return {
    softmaxCrossEntropy([logits, targets, weights], [losses, logSumExp], attributes) {
      if (logits!.dtype !== "float32" || logits!.shape[1] === 0) return false;
      const { words, chunks, nanoseconds } = common(logits!, targets!, weights, attributes);
      runtime.run("softmaxCrossEntropy", words(addressOf(losses!), addressOf(logSumExp!)), chunks, nanoseconds);
    },
    softmaxCrossEntropyBackward(operands, [dlogits, , dweights], attributes) {
      const [logits, targets] = operands;
      const [logSumExp, g] = operands.slice(-2);
      if (logits!.dtype !== "float32" || dweights || !dlogits) return false;
      const { words, chunks, nanoseconds } = common(
        logits!,
        targets!,
        operands.length > 4 ? operands[2] : undefined,
        attributes,
      );
      runtime.run(
        "softmaxCrossEntropyBackward",
        [...words(0, addressOf(logSumExp!)), addressOf(g!), addressOf(dlogits)],
        chunks,
        nanoseconds,
      );
    },
  };
}

const addressIfAny = (operand: Operand | undefined): number => (operand ? addressOf(operand) : 0);

/** Operands in the order of wasm/norm.ts: x, gain, bias; y, means, factors. */
type NormOperands = readonly (Operand | undefined)[];

function normForward(runtime: WasmRuntime, kernel: string, operands: NormOperands, epsilon: unknown): boolean | void {
  const x = operands[0]!;
  if (x.dtype !== "float32" || x.shape.at(-1) === 0) return false;
  const { rows, n, perChunk, chunks } = planRows(x);
  const words = [...operands.map(addressIfAny), rows, n, perChunk, floatBits(epsilon as number)];
  runtime.run(kernel, words, chunks, rows * n * 0.4);
}

/** `sums` are the outputs that add up over rows: the gradients of gain, and of bias where the norm has one. */
function normBackward(
  runtime: WasmRuntime,
  kernel: string,
  operands: NormOperands,
  g: Operand,
  dx: Operand | undefined,
  sums: readonly (Operand | undefined)[],
): boolean | void {
  const x = operands[0]!;
  if (x.dtype !== "float32" || x.shape.includes(0)) return false;
  const needed = sums.some((sum) => sum !== undefined);
  const { rows, n, perChunk, chunks } = planRows(x, needed ? MOST_PARTIALS : undefined);
  const width = sums.length * n;
  runtime.withMemory(needed ? (chunks + 1) * width * 4 : 0, (partials) => {
    const words = [...operands.map(addressIfAny), rows, n, perChunk, 0, addressOf(g), addressIfAny(dx)];
    runtime.run(kernel, [...words, needed ? partials : 0], chunks, rows * n * 0.8);
    if (!needed) return;
    const totals = partials + chunks * width * 4;
    addRows(runtime, partials, totals, chunks, width);
    sums.forEach((sum, i) => {
      if (sum) runtime.int32.copyWithin(addressOf(sum) >>> 2, (totals >>> 2) + i * n, (totals >>> 2) + (i + 1) * n);
    });
  });
}

function normKernels(runtime: WasmRuntime): Record<string, Kernel> {
  return {
    layerNorm: ([x, gain, bias], outputs, { epsilon }) =>
      normForward(runtime, "layerNorm", [x, gain, bias, ...outputs], epsilon),
    rmsNorm: ([x, gain], [y, factor], { epsilon }) =>
      normForward(runtime, "rmsNorm", [x, gain, undefined, y, undefined, factor], epsilon),
    layerNormBackward: ([x, gain, mean, factor, g], [dx, dgain, dbias]) =>
      normBackward(runtime, "layerNormBackward", [x, gain, undefined, undefined, mean, factor], g!, dx, [dgain, dbias]),
    rmsNormBackward: ([x, gain, factor, g], [dx, dgain]) =>
      normBackward(runtime, "rmsNormBackward", [x, gain, undefined, undefined, undefined, factor], g!, dx, [dgain]),
  };
}

/** Kernels of rows of the last axis. */
export function rowKernels(runtime: WasmRuntime): Record<string, Kernel> {
  return { ...softmaxKernels(runtime), ...crossEntropyKernels(runtime), ...normKernels(runtime) };
}
