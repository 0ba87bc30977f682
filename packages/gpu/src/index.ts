export type { GpuBackend } from "./backend.ts";
export type { GpuMode, GpuOptions } from "./use-gpu.ts";
export { createGpuBackend, useGpu } from "./use-gpu.ts";
