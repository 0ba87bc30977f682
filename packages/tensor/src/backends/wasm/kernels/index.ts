import type { Kernel } from "../../../backend.ts";
import type { WasmRuntime } from "../runtime.ts";
import { binaryKernels } from "./binary.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { matmulKernels } from "./matmul.ts";

/** Every kernel family: operation name to kernel, for one runtime. One line per family. */
export const kernelFamilies: readonly ((runtime: WasmRuntime) => Record<string, Kernel>)[] = [
  binaryKernels,
  elementwiseKernels,
  matmulKernels,
];
