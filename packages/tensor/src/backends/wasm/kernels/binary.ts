import type { Kernel, Operand } from "../../../backend.ts";
import { sizeOf } from "../../../shape.ts";
import { bytesPerElement, type DType } from "../../../types.ts";
import { addressOf, type WasmRuntime } from "../runtime.ts";
import { CHUNK, planRows } from "./strided.ts";

/** Number of each operation in wasm/binary.ts, by element type. */
type Numbers = Readonly<Partial<Record<DType, number>>>;

const arithmetic: Readonly<Record<string, Numbers>> = {
  add: { float32: 0, int32: 11 },
  subtract: { float32: 1, int32: 12 },
  multiply: { float32: 2, int32: 13 },
  divide: { float32: 3 },
  maximum: { float32: 4, int32: 14 },
  minimum: { float32: 5, int32: 15 },
  power: { float32: 6 },
  reluBackward: { float32: 7 },
  siluBackward: { float32: 8 },
};

const relations: Readonly<Record<string, Numbers>> = {
  equal: { float32: 0, int32: 3, bool: 6 },
  less: { float32: 1, int32: 4 },
  lessEqual: { float32: 2, int32: 5 },
};

const GELU_BACKWARD = 9;
const GELU_TANH_BACKWARD = 10;

/** Rough nanoseconds an element of operations that take more than the memory does. */
const costs: Readonly<Record<number, number>> = { 6: 40, 8: 1, [GELU_BACKWARD]: 1.6, [GELU_TANH_BACKWARD]: 1.2 };

/** Functions of two or three arrays, element by element, with broadcasting. */
export function binaryKernels(runtime: WasmRuntime): Record<string, Kernel> {
  const run = (kernel: string, number: number | undefined, [a, b]: readonly Operand[], y: Operand): boolean | void => {
    const bytes = bytesPerElement[a!.dtype];
    const plan = planRows(y.shape, [a!.shape, b!.shape], [bytes, bytes]);
    if (number === undefined || !plan) return false;
    const n = sizeOf(y.shape);
    const words = [number, addressOf(a!), addressOf(b!), addressOf(y), n, plan.inner, ...plan.steps, ...plan.table];
    const each = (kernel === "binary" ? costs[number] : undefined) ?? 0.3;
    runtime.run(kernel, words, Math.ceil(n / CHUNK), n * each);
  };
  const kernels: Record<string, Kernel> = {
    geluBackward: (inputs, [y], { approximate }) =>
      run(
        "binary",
        inputs[0]!.dtype === "float32" ? (approximate === "tanh" ? GELU_TANH_BACKWARD : GELU_BACKWARD) : undefined,
        inputs,
        y!,
      ),
    select([condition, a, b], [y]) {
      const bytes = bytesPerElement[y!.dtype];
      const plan = planRows(y!.shape, [condition!.shape, a!.shape, b!.shape], [1, bytes, bytes]);
      if (!plan) return false;
      const n = sizeOf(y!.shape);
      const words = [
        Math.log2(bytes),
        addressOf(condition!),
        addressOf(a!),
        addressOf(b!),
        addressOf(y!),
        n,
        plan.inner,
        ...plan.steps,
        ...plan.table,
      ];
      runtime.run("select", words, Math.ceil(n / CHUNK), n * 0.4);
    },
  };
  for (const name of Object.keys(arithmetic))
    kernels[name] = (inputs, [y]) => run("binary", arithmetic[name]![inputs[0]!.dtype], inputs, y!);
  for (const name of Object.keys(relations))
    kernels[name] = (inputs, [y]) => run("compare", relations[name]![inputs[0]!.dtype], inputs, y!);
  return kernels;
}
