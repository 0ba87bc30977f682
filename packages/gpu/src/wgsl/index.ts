import type { Kernel } from "@heed/tensor";
import type { Launcher } from "../launch.ts";
import { attentionWgsl } from "./attention.ts";
import { matmulWgsl } from "./matmul.ts";

/** Kernels written in WGSL, for devices that have it. Each may decline by returning false. */
export function wgslKernels(launcher: Launcher): Record<string, Kernel> {
  return { ...matmulWgsl(launcher), ...attentionWgsl(launcher) };
}
