/** What this package uses of WebGPU, typed by hand: packages are compiled without the DOM. */

export interface Gpu {
  requestAdapter(options?: { readonly powerPreference?: "high-performance" | "low-power" }): Promise<GpuAdapter | null>;
}

export type GpuLimits = Readonly<
  Record<
    | "maxStorageBufferBindingSize"
    | "maxBufferSize"
    | "maxStorageBuffersPerShaderStage"
    | "maxComputeWorkgroupStorageSize"
    | "maxComputeInvocationsPerWorkgroup"
    | "maxComputeWorkgroupSizeX"
    | "maxComputeWorkgroupsPerDimension"
    | "minUniformBufferOffsetAlignment",
    number
  >
>;

export interface GpuAdapter {
  readonly limits: GpuLimits;
  readonly info?: { readonly vendor?: string; readonly architecture?: string; readonly description?: string };
  requestDevice(settings: { readonly requiredLimits: Readonly<Record<string, number>> }): Promise<GpuDevice>;
}

export interface GpuBuffer {
  readonly size: number;
  mapAsync(mode: number, offset?: number, size?: number): Promise<void>;
  getMappedRange(offset?: number, size?: number): ArrayBuffer;
  unmap(): void;
  destroy(): void;
}

export interface GpuPipeline {
  readonly label?: string;
}

export interface GpuBindGroup {
  readonly label?: string;
}

export interface GpuComputePass {
  setPipeline(pipeline: GpuPipeline): void;
  setBindGroup(index: number, group: GpuBindGroup, offsets: readonly number[]): void;
  dispatchWorkgroups(x: number, y: number, z: number): void;
  end(): void;
}

export interface GpuCommandEncoder {
  beginComputePass(): GpuComputePass;
  copyBufferToBuffer(from: GpuBuffer, fromOffset: number, to: GpuBuffer, toOffset: number, bytes: number): void;
  finish(): unknown;
}

export interface GpuDevice {
  readonly limits: GpuLimits;
  readonly lost: Promise<{ readonly reason?: string; readonly message: string }>;
  onuncapturederror: ((event: { readonly error: { readonly message: string } }) => void) | null;
  readonly queue: {
    writeBuffer(
      buffer: GpuBuffer,
      offset: number,
      values: Float32Array | Uint8Array,
      start?: number,
      size?: number,
    ): void;
    submit(commands: readonly unknown[]): void;
  };
  createBuffer(settings: { readonly size: number; readonly usage: number }): GpuBuffer;
  createShaderModule(settings: { readonly code: string }): unknown;
  createBindGroupLayout(settings: { readonly entries: readonly unknown[] }): unknown;
  createPipelineLayout(settings: { readonly bindGroupLayouts: readonly unknown[] }): unknown;
  createComputePipeline(settings: unknown): GpuPipeline;
  createBindGroup(settings: { readonly layout: unknown; readonly entries: readonly unknown[] }): GpuBindGroup;
  createCommandEncoder(): GpuCommandEncoder;
  pushErrorScope(filter: "out-of-memory" | "validation" | "internal"): void;
  popErrorScope(): Promise<{ readonly message: string } | null>;
  destroy(): void;
}

/** The numbers that the standard gives to usages; the named constants exist only where WebGPU does. */
export const usage = { mapRead: 0x1, copySource: 0x4, copyDestination: 0x8, uniform: 0x40, storage: 0x80 } as const;

/** Buffers may be mapped for reading. */
export const mapModeRead = 0x1;

/** Visible to compute shaders. */
export const computeStage = 0x4;
