import type { Kernel, Operand } from "../../../backend.ts";
import { sizeOf } from "../../../shape.ts";
import { addressOf, type WasmRuntime } from "../runtime.ts";
import { CHUNK } from "./strided.ts";

/** Rough cost of an element: only decides whether threads are woken. */
const NANOSECONDS = 0.5;

/** Operations whose kernels have their names, and those that exist for int32 too, as `negateInt`. */
const floats = [
  "negate",
  "abs",
  "sign",
  "floor",
  "sqrt",
  "reciprocal",
  "rsqrt",
  "relu",
  "exp",
  "log",
  "tanh",
  "erf",
  "sin",
  "cos",
  "silu",
] as const;
const integers: readonly string[] = ["negate", "abs", "sign"];

/** Functions of one array, element by element, and conversions. */
export function elementwiseKernels(runtime: WasmRuntime): Record<string, Kernel> {
  const run = (kernel: string, x: Operand, y: Operand, ...rest: readonly number[]): void => {
    const n = sizeOf(y.shape);
    runtime.run(kernel, [addressOf(x), addressOf(y), n, ...rest], Math.ceil(n / CHUNK), n * NANOSECONDS);
  };
  const runBackward = (kernel: string, [x, g]: readonly Operand[], dx: Operand): boolean | void => {
    if (dx.dtype !== "float32") return false;
    const n = sizeOf(dx.shape);
    runtime.run(kernel, [addressOf(x!), addressOf(g!), addressOf(dx), n], Math.ceil(n / CHUNK), 2 * n * NANOSECONDS);
  };
  const kernels: Record<string, Kernel> = {
    siluBackward: (inputs, [dx]) => runBackward("siluBackward", inputs, dx!),
    geluBackward: (inputs, [dx], { approximate }) =>
      runBackward(approximate === "tanh" ? "geluTanhBackward" : "geluBackward", inputs, dx!),
    gelu([x], [y], { approximate }) {
      if (x!.dtype !== "float32") return false;
      run(approximate === "tanh" ? "geluTanh" : "gelu", x!, y!);
    },
    cast([x], [y]) {
      const [from, to] = [x!.dtype, y!.dtype];
      if (from === "float32" && to === "int32") run("floatToInt", x!, y!);
      else if (from === "int32" && to === "float32") run("intToFloat", x!, y!);
      else if (to === "bool") run("castToBool", x!, y!, Number(from === "float32"));
      else if (from === "bool") run("castFromBool", x!, y!, Number(to === "float32"));
      else return false;
    },
  };
  for (const name of floats) {
    kernels[name] = ([x], [y]) => {
      if (x!.dtype === "float32") run(name, x!, y!);
      else if (x!.dtype === "int32" && integers.includes(name)) run(`${name}Int`, x!, y!);
      else return false;
    };
  }
  return kernels;
}
