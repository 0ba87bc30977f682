import type { Kernel } from "../../../backend.ts";
import { sizeOf } from "../../../shape.ts";
import { addressOf, type WasmRuntime } from "../runtime.ts";
import { CHUNK } from "./strided.ts";

/** Uniform draws, bit for bit those of the reference. */
export function randomKernels(runtime: WasmRuntime): Record<string, Kernel> {
  return {
    uniform(_, [y], { key0, key1, stream }) {
      if (y!.dtype !== "float32") return false;
      const n = sizeOf(y!.shape);
      const words = [key0 as number, key1 as number, (stream as number) | 0, addressOf(y!), n];
      runtime.run("uniform", words, Math.ceil(n / CHUNK), n * 1.2);
    },
  };
}
