import { UnsupportedOpError } from "@heed/tensor";

/** What this package uses of gpu.js 2.24.1, typed by hand: its own typings miss WebGPU and promises. */
export interface GpuJs {
  readonly GPU: GpuConstructor;
  readonly WebGPUKernel: new (source: string, settings: KernelSettings) => WgslKernel;
}

interface GpuConstructor {
  new (settings: { readonly mode: string }): GpuInstance;
  readonly isWebGL2Supported: boolean;
}

/** gpu.js's WebGPU kernel, as far as it translates: `build` does so at once and then calls `_buildAsync` for a device. */
export interface WgslKernel {
  _buildAsync: () => Promise<void>;
  build(...args: readonly unknown[]): Promise<void>;
  readonly compiledSource: string;
  readonly paramsLayout: {
    readonly byteLength: number;
    readonly arrayArgs: readonly { readonly dimsOffset: number }[];
    readonly scalarArgs: readonly { readonly offset: number }[];
  };
}

export interface GpuInstance {
  createKernel(source: string, settings: KernelSettings): GpuKernel;
}

export interface KernelSettings {
  readonly argumentTypes: readonly string[];
  readonly output: readonly number[];
  readonly precision: "single";
  readonly tactic: "precision";
  readonly dynamicOutput: true;
  readonly dynamicArguments: true;
  readonly loopMaxIterations: number;
  readonly pipeline: boolean;
  readonly immutable: boolean;
}

export interface GpuKernel {
  (...args: readonly unknown[]): unknown;
  setOutput(output: readonly number[]): GpuKernel;
}

/** What is used of a WebGL2 context. */
export interface GlContext {
  readonly canvas: { addEventListener(event: "webglcontextlost", listener: () => void): void };
  isContextLost(): boolean;
  getError(): number;
}

/** A GL texture that holds the result of a kernel. */
export interface GpuTexture {
  readonly context: GlContext;
  toArray(): Float32Array;
  delete(): void;
}

/**
 * Loads gpu.js on first use: a page that never asks for a GPU never pays for it. The name stands for the package itself in
 * this repository and for one bundled file in what is published.
 */
export async function loadGpuJs(): Promise<GpuJs> {
  const loaded = (await import("#gpu.js")) as unknown as { readonly default?: unknown };
  const found = (loaded.default ?? loaded) as GpuJs;
  if (typeof found.GPU !== "function")
    throw new UnsupportedOpError("useGpu: gpu.js has no GPU export, expected version 2.24.1. Check what is installed");
  return found;
}

/** What every kernel is made with; each setting avoids a silent mistake of the defaults. */
export const commonSettings = {
  output: [1],
  precision: "single",
  tactic: "precision",
  dynamicOutput: true,
  dynamicArguments: true,
  /** gpu.js cuts longer loops without a word */
  loopMaxIterations: 2 ** 25,
} as const;
