import type { Kernel } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { adamwWgsl } from "./adamw.ts";
import { attentionWgsl } from "./attention.ts";
import { elementwiseWgsl } from "./elementwise.ts";
import { gatherWgsl } from "./gather.ts";
import { matmulWgsl } from "./matmul.ts";
import { moveWgsl } from "./move.ts";
import { normWgsl } from "./norms.ts";
import { reduceWgsl } from "./reduce.ts";
import { rowWgsl } from "./rows.ts";

/** Kernels written in WGSL, for devices that have it. Each may decline by returning false. */
export function wgslKernels(launcher: Launcher): Record<string, Kernel> {
  return {
    ...elementwiseWgsl(launcher),
    ...matmulWgsl(launcher),
    ...attentionWgsl(launcher),
    ...moveWgsl(launcher),
    ...reduceWgsl(launcher),
    ...gatherWgsl(launcher),
    ...adamwWgsl(launcher),
    ...rowWgsl(launcher),
    ...normWgsl(launcher),
  };
}
