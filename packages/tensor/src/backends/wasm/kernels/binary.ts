import type { Kernel, Operand } from "../../../backend.ts";
import { sizeOf } from "../../../shape.ts";
import { bytesPerElement, type DType } from "../../../types.ts";
import { addressOf, type WasmRuntime } from "../runtime.ts";
import { CHUNK, planRows } from "./strided.ts";

/** What the names of kernels for other types than float32 end in. */
const suffixes: Readonly<Partial<Record<DType, string>>> = { float32: "", int32: "Int", bool: "Bool" };

/** The element types of each operation with two operands. */
const operations: Readonly<Record<string, readonly DType[]>> = {
  add: ["float32", "int32"],
  subtract: ["float32", "int32"],
  multiply: ["float32", "int32"],
  divide: ["float32"],
  maximum: ["float32", "int32"],
  minimum: ["float32", "int32"],
  power: ["float32"],
  reluBackward: ["float32"],
  equal: ["float32", "int32", "bool"],
  less: ["float32", "int32"],
  lessEqual: ["float32", "int32"],
};

/** Rough nanoseconds an element: they only decide whether threads are woken. */
const NANOSECONDS = 0.3;
const POWER_NANOSECONDS = 40;

/** Functions of two or three arrays, element by element, with broadcasting. */
export function binaryKernels(runtime: WasmRuntime): Record<string, Kernel> {
  const run = (kernel: string, inputs: readonly Operand[], y: Operand, ...first: readonly number[]): boolean | void => {
    const plan = planRows(
      y.shape,
      inputs.map(({ shape }) => shape),
      inputs.map(({ dtype }) => bytesPerElement[dtype]),
    );
    if (!plan) return false;
    const n = sizeOf(y.shape);
    const words = [...first, ...inputs.map(addressOf), addressOf(y), n, plan.inner, ...plan.steps, ...plan.table];
    runtime.run(kernel, words, Math.ceil(n / CHUNK), n * (kernel === "power" ? POWER_NANOSECONDS : NANOSECONDS));
  };
  const kernels: Record<string, Kernel> = {
    select: (inputs, [y]) => run("select", inputs, y!, Math.log2(bytesPerElement[y!.dtype])),
  };
  for (const [name, dtypes] of Object.entries(operations)) {
    kernels[name] = (inputs, [y]) => {
      const { dtype } = inputs[0]!;
      return dtypes.includes(dtype) ? run(`${name}${suffixes[dtype]}`, inputs, y!) : false;
    };
  }
  return kernels;
}
