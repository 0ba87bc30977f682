import type { Kernel } from "../../../backend.ts";
import { sameShape, sizeOf } from "../../../shape.ts";
import { addressOf, type WasmRuntime } from "../runtime.ts";

const CHUNK = 16384;

/** Kernels that compute each element on its own. */
export function elementwiseKernels(runtime: WasmRuntime): Record<string, Kernel> {
  return {
    add([a, b], [y]) {
      if (a!.dtype !== "float32" || !sameShape(a!.shape, b!.shape)) return false;
      const n = sizeOf(y!.shape);
      runtime.run("addFlat", [addressOf(a!), addressOf(b!), addressOf(y!), n], Math.ceil(n / CHUNK), n * 0.3);
    },
  };
}
