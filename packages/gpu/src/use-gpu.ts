import { UnsupportedOpError, useBackend } from "@heed/tensor";
import { backendOn, type GpuBackend } from "./backend.ts";
import { cpuDevice } from "./devices/cpu.ts";
import type { Device } from "./devices/device.ts";
import { openWebgl2 } from "./devices/webgl2.ts";
import { openWebgpu } from "./devices/webgpu/webgpu.ts";
import { type GpuJs, loadGpuJs } from "./gpu-js.ts";
import type { Gpu } from "./web-gpu.ts";

/** Where kernels can run, best first. `cpu` is gpu.js's portable mode: slow, and forbidden by pages without `unsafe-eval`. */
export type GpuMode = "webgpu" | "webgl2" | "cpu";

const modes: readonly GpuMode[] = ["webgpu", "webgl2", "cpu"];

/** Options of `createGpuBackend` and `useGpu`. */
export interface GpuOptions {
  /** The modes to try, in order; default all, best first. */
  readonly prefer?: GpuMode | readonly GpuMode[];
  /** An operation without a kernel is an error instead of a slow way around; default false. */
  readonly strict?: boolean;
  /**
   * An object that implements WebGPU's `GPU`: in Node that of the npm package `webgpu` (`create([])`), in Deno and pages
   * `navigator.gpu`, which is the default. Nothing is imported or made global.
   */
  readonly gpu?: object;
  /** most bytes that tensors may take on WebGPU or WebGL2; default what the device has */
  readonly maxBytes?: number;
}

async function open(mode: GpuMode, library: GpuJs, { gpu, maxBytes }: GpuOptions): Promise<Device | string> {
  try {
    if (mode === "webgpu") return await openWebgpu(library, { gpu: gpu as Gpu | undefined, maxBytes });
    if (mode === "webgl2") return openWebgl2(library, maxBytes);
    return cpuDevice(library);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * A backend on the first mode that works here. `unavailable` and `capabilities()` say why the ones before it do not.
 *
 * @throws UnsupportedOpError, with all the reasons, if none of them works; RangeError if a mode does not exist
 */
export async function createGpuBackend(options: GpuOptions = {}): Promise<GpuBackend> {
  const { prefer = modes, strict = false } = options;
  const wanted = typeof prefer === "string" ? [prefer] : prefer;
  for (const mode of wanted) {
    if (!modes.includes(mode))
      throw new RangeError(`createGpuBackend: prefer names an unknown mode, expected ${modes.join(", ")}, got ${mode}`);
  }
  const library = await loadGpuJs();
  const unavailable: Record<string, string> = {};
  for (const mode of wanted) {
    const device = await open(mode, library, options);
    if (typeof device !== "string") return backendOn(device, { strict, unavailable });
    unavailable[mode] = device;
  }
  const reasons = Object.entries(unavailable).map(([mode, reason]) => `${mode} (${reason})`);
  throw new UnsupportedOpError(
    `createGpuBackend: none of the modes works here, expected one of ${wanted.join(", ")}, got ${reasons.join("; ")}. Use the default backend`,
  );
}

/**
 * Makes new tensors live on the GPU from here on: `createGpuBackend`, then `useBackend`.
 *
 * @example
 * const gpu = await useGpu();
 * gpu.mode; // "webgpu", "webgl2" or "cpu"
 */
export async function useGpu(options: GpuOptions = {}): Promise<GpuBackend> {
  const backend = await createGpuBackend(options);
  useBackend(backend);
  return backend;
}
