import type { Kernel, Operand } from "../../../backend.ts";
import { sizeOf } from "../../../shape.ts";
import { addressOf, floatBits, type WasmRuntime } from "../runtime.ts";

/** Rows of a mask that one chunk looks through. */
const RANGE_ROWS = 256;
/** Rough speed, multiply-adds per nanosecond of one thread; decides only whether to wake the others. */
const SPEED = 20;

interface Attributes {
  readonly scale: number;
  readonly hasMask: boolean;
  readonly hasBias: boolean;
}

const isFloat32 = (operand: Operand) => operand.dtype === "float32";

/** Rows of a [b, h, T, S] operand between batches and between heads: 0 where it is broadcast. Undefined if it is not of that form. */
function rowStrides({ shape }: Operand, T: number, S: number): { batch: number; head: number } | undefined {
  const [b = 1, h = 1, rows, columns] = [...new Array<number>(4 - shape.length).fill(1), ...shape];
  if (rows !== T || columns !== S) return undefined;
  return { batch: b === 1 ? 0 : h * T, head: h === 1 ? 0 : T };
}

/** What both kernels read: see wasm/attention.ts for the order. */
function commonWords(
  inputs: readonly Operand[],
  { scale, hasMask, hasBias }: Attributes,
  y: Operand,
  logSumExp: Operand,
  ranges: number,
  wide: boolean,
) {
  const [q, k, v, ...rest] = inputs;
  const [, H, T, D] = q!.shape as [number, number, number, number];
  const [, G, S] = k!.shape as [number, number, number];
  const mask = hasMask ? rest.shift() : undefined;
  const bias = hasBias ? rest.shift() : undefined;
  const maskRows = mask ? rowStrides(mask, T, S) : { batch: 0, head: 0 };
  const biasRows = bias ? rowStrides(bias, T, S) : { batch: 0, head: 0 };
  if (!maskRows || !biasRows) return undefined;
  return [
    addressOf(q!),
    addressOf(k!),
    addressOf(v!),
    mask ? addressOf(mask) : 0,
    bias ? addressOf(bias) : 0,
    addressOf(y),
    addressOf(logSumExp),
    H,
    G,
    T,
    S,
    D,
    v!.shape[3]!,
    floatBits(scale),
    maskRows.batch,
    maskRows.head,
    biasRows.batch,
    biasRows.head,
    mask ? ranges : 0,
    Number(wide),
  ];
}

/** Finds the visible keys of every mask row, into memory lent to `body`. */
function withRanges(
  runtime: WasmRuntime,
  mask: Operand | undefined,
  body: (ranges: number) => boolean | void,
): boolean | void {
  if (!mask) return body(0);
  const S = mask.shape.at(-1)!;
  const rows = S === 0 ? 0 : sizeOf(mask.shape) / S;
  return runtime.withMemory(rows * 12, (ranges) => {
    runtime.run(
      "attentionRanges",
      [addressOf(mask), ranges, rows, S, RANGE_ROWS],
      Math.ceil(rows / RANGE_ROWS),
      rows * S * 0.5,
    );
    return body(ranges);
  });
}

/** Scaled dot-product attention and its gradient. A gradient of the bias is left to the composition. */
export function attentionKernels(runtime: WasmRuntime): Record<string, Kernel> {
  const work = (q: Operand, k: Operand) => (2 * sizeOf(q.shape) * k.shape[2]!) / SPEED;
  return {
    scaledDotProductAttention(inputs, [y, logSumExp], attributes) {
      const { hasMask, hasBias, scale } = attributes as unknown as Attributes;
      const [q, k, v, extra] = inputs;
      if (![q!, k!, v!].every(isFloat32) || sizeOf(y!.shape) === 0 || k!.shape[2] === 0) return false;
      return withRanges(runtime, hasMask ? extra : undefined, (ranges) => {
        const words = commonWords(inputs, { scale, hasMask, hasBias }, y!, logSumExp!, ranges, runtime.wide);
        if (!words) return false;
        runtime.run("scaledDotProductAttention", words, q!.shape[0]! * q!.shape[1]!, work(q!, k!));
      });
    },
    scaledDotProductAttentionBackward(operands, [dq, dk, dv, ...others], attributes) {
      const { hasMask, hasBias, scale } = attributes as unknown as Attributes;
      const [q, k, v, extra] = operands;
      const [y, logSumExp, g] = operands.slice(-3);
      const biasGradient = hasBias && others.at(-1) !== undefined;
      if (biasGradient || !isFloat32(q!) || sizeOf(y!.shape) === 0 || k!.shape[2] === 0) return false;
      return withRanges(runtime, hasMask ? extra : undefined, (ranges) =>
        withUnneeded(runtime, [q!, k!, v!], [dq, dk, dv], (gradients) => {
          const words = commonWords(operands, { scale, hasMask, hasBias }, y!, logSumExp!, ranges, runtime.wide);
          if (!words) return false;
          runtime.run(
            "scaledDotProductAttentionBackward",
            [...words, addressOf(g!), ...gradients],
            k!.shape[0]! * k!.shape[1]!,
            2.5 * work(q!, k!),
          );
        }),
      );
    },
  };
}

/** Addresses of the gradients; those nobody needs get memory that is thrown away (the kernel computes them together). */
function withUnneeded(
  runtime: WasmRuntime,
  inputs: readonly Operand[],
  outputs: readonly (Operand | undefined)[],
  body: (addresses: readonly number[]) => boolean | void,
): boolean | void {
  const missing = inputs.map((input, i) => (outputs[i] ? 0 : input.buffer.bytes));
  return runtime.withMemory(
    missing.reduce((sum, bytes) => sum + bytes, 0),
    (spare) => {
      let next = spare;
      return body(
        outputs.map((output, i) => {
          const address = output ? addressOf(output) : next;
          next += missing[i]!;
          return address;
        }),
      );
    },
  );
}
