export type { GpuBackend } from "./backend.ts";
export { DeviceLostError } from "./errors.ts";
export type { GpuMode, GpuOptions } from "./use-gpu.ts";
export { createGpuBackend, useGpu } from "./use-gpu.ts";
