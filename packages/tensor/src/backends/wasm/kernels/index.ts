import type { Kernel } from "../../../backend.ts";
import type { WasmRuntime } from "../runtime.ts";
import { attentionKernels } from "./attention.ts";
import { binaryKernels } from "./binary.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { gatherKernels } from "./gather.ts";
import { matmulKernels } from "./matmul.ts";
import { moveKernels } from "./move.ts";
import { optimizerKernels } from "./optimizer.ts";
import { randomKernels } from "./random.ts";
import { reduceKernels } from "./reduce.ts";
import { rowKernels } from "./rows.ts";

/** Every kernel family: operation name to kernel, for one runtime. One line per family. */
export const kernelFamilies: readonly ((runtime: WasmRuntime) => Record<string, Kernel>)[] = [
  attentionKernels,
  gatherKernels,
  moveKernels,
  optimizerKernels,
  binaryKernels,
  elementwiseKernels,
  matmulKernels,
  rowKernels,
  reduceKernels,
  randomKernels,
];
