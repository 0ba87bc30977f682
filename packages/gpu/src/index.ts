export type { GpuBackend } from "./backend.ts";
export type { DeviceStatistics } from "./devices/device.ts";
export { DeviceLostError, OutOfMemoryError } from "./errors.ts";
export type { GpuMode, GpuOptions } from "./use-gpu.ts";
export { createGpuBackend, useGpu } from "./use-gpu.ts";
