import type { Kernel, Operand } from "../../../backend.ts";
import { sizeOf } from "../../../shape.ts";
import { addressOf, type WasmRuntime } from "../runtime.ts";
import { CHUNK } from "./strided.ts";

/** Number of an operation in wasm/elementwise.ts, and its rough cost in nanoseconds an element. */
type Operation = readonly [number: number, nanoseconds: number];

const floats: Readonly<Record<string, Operation>> = {
  negate: [0, 0.2],
  abs: [1, 0.2],
  sign: [2, 0.2],
  floor: [3, 0.2],
  sqrt: [4, 0.4],
  reciprocal: [5, 0.4],
  rsqrt: [6, 0.7],
  exp: [7, 0.7],
  log: [8, 0.8],
  tanh: [9, 0.8],
  erf: [10, 0.9],
  sin: [11, 1],
  cos: [12, 1],
  relu: [13, 0.2],
  silu: [14, 0.8],
};

const integers: Readonly<Record<string, Operation>> = { negate: [17, 0.2], abs: [18, 0.2], sign: [19, 0.2] };

const GELU: Operation = [15, 0.9];
const GELU_TANH: Operation = [16, 0.9];
const FLOAT_TO_INT: Operation = [20, 0.4];
const INT_TO_FLOAT: Operation = [21, 0.2];

/** Functions of one array, element by element, and conversions. */
export function elementwiseKernels(runtime: WasmRuntime): Record<string, Kernel> {
  const run = (kernel: string, [number, nanoseconds]: Operation, x: Operand, y: Operand): void => {
    const n = sizeOf(y.shape);
    runtime.run(kernel, [number, addressOf(x), addressOf(y), n], Math.ceil(n / CHUNK), n * nanoseconds);
  };
  const kernels: Record<string, Kernel> = {
    gelu([x], [y], { approximate }) {
      if (x!.dtype !== "float32") return false;
      run("unary", approximate === "tanh" ? GELU_TANH : GELU, x!, y!);
    },
    cast([x], [y]) {
      const [from, to] = [x!.dtype, y!.dtype];
      if (from === "float32" && to === "int32") run("unary", FLOAT_TO_INT, x!, y!);
      else if (from === "int32" && to === "float32") run("unary", INT_TO_FLOAT, x!, y!);
      else if (to === "bool") run("castToBool", [from === "float32" ? 0 : 1, 1], x!, y!);
      else if (from === "bool") run("castFromBool", [to === "float32" ? 0 : 1, 0.3], x!, y!);
      else return false;
    },
  };
  for (const name of Object.keys(floats)) {
    kernels[name] = ([x], [y]) => {
      const operation = x!.dtype === "float32" ? floats[name] : x!.dtype === "int32" ? integers[name] : undefined;
      if (!operation) return false;
      run("unary", operation, x!, y!);
    };
  }
  return kernels;
}
