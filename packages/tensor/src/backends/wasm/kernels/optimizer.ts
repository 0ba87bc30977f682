import type { Kernel, Operand } from "../../../backend.ts";
import { sizeOf } from "../../../shape.ts";
import { addressOf, floatBits, type WasmRuntime } from "../runtime.ts";

/** Elements of one chunk. */
const CHUNK = 16384;

interface AdamwAttributes {
  readonly learningRates: readonly number[];
  readonly weightDecays: readonly number[];
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly step: number;
}

const isFloat32 = ({ dtype }: Operand): boolean => dtype === "float32";

/** Rows of a table of tensors, empty ones left out, with the chunk that each begins at; and the chunks in all. */
function tableOf(
  tensors: readonly Operand[],
  rowOf: (i: number, count: number, firstChunk: number) => number[],
): { rows: number; words: number[]; chunks: number; elements: number } {
  const words: number[] = [];
  let [rows, chunks, elements] = [0, 0, 0];
  tensors.forEach(({ shape }, i) => {
    const count = sizeOf(shape);
    if (count === 0) return;
    words.push(...rowOf(i, count, chunks));
    chunks += Math.ceil(count / CHUNK);
    elements += count;
    rows++;
  });
  return { rows, words, chunks, elements };
}

/** Lends memory that holds `words`. */
function withTable(
  runtime: WasmRuntime,
  words: readonly number[],
  extraBytes: number,
  body: (table: number, extra: number) => void,
): void {
  const tableBytes = Math.ceil((words.length * 4) / 8) * 8;
  runtime.withMemory(tableBytes + extraBytes, (table) => {
    runtime.int32.set(words, table >>> 2);
    body(table, table + tableBytes);
  });
}

/** One pass over all parameters, and the norm of all gradients. */
export function optimizerKernels(runtime: WasmRuntime): Record<string, Kernel> {
  return {
    adamw(operands, _, attributes) {
      const { learningRates, weightDecays, beta1, beta2, epsilon, step } = attributes as unknown as AdamwAttributes;
      if (!operands.every(isFloat32)) return false;
      const n = (operands.length - 1) / 4;
      const { rows, words, chunks, elements } = tableOf(operands.slice(0, n), (i, count, first) => [
        ...[0, 1, 2, 3].map((list) => addressOf(operands[list * n + i]!)),
        count,
        first,
        floatBits(learningRates[i]! / (1 - beta1 ** step)),
        floatBits(1 - learningRates[i]! * weightDecays[i]!),
      ]);
      const constants = [beta1, 1 - beta1, beta2, 1 - beta2, epsilon, 1 / Math.sqrt(1 - beta2 ** step)].map(floatBits);
      withTable(runtime, words, 0, (table) =>
        runtime.run("adamwUpdate", [table, rows, addressOf(operands.at(-1)!), ...constants, CHUNK], chunks, elements),
      );
    },
    globalNorm(inputs, [y]) {
      if (!inputs.every(isFloat32)) return false;
      const { rows, words, chunks, elements } = tableOf(inputs, (i, count, first) => [
        addressOf(inputs[i]!),
        count,
        first,
        0,
      ]);
      withTable(runtime, words, chunks * 8, (table, sums) => {
        runtime.run("sumSquares", [table, rows, sums, CHUNK], chunks, elements * 0.3);
        let total = 0;
        for (const sum of new Float64Array(runtime.buffer, sums, chunks)) total += sum;
        runtime.int32[addressOf(y!) >>> 2] = floatBits(Math.sqrt(total));
      });
    },
  };
}
