import { deviceLost, type OutOfMemoryError } from "../../errors.ts";
import type { GpuJs } from "../../gpu-js.ts";
import type { Program } from "../../program.ts";
import {
  computeStage,
  type Gpu,
  type GpuAdapter,
  type GpuBuffer,
  type GpuDevice,
  type GpuPipeline,
  mapModeRead,
  usage,
} from "../../web-gpu.ts";
import type { WgslLimits, WgslProgram } from "../../wgsl-program.ts";
import type { Device, DeviceStatistics, WgslLaunch } from "../device.ts";
import { BufferPool } from "./buffer-pool.ts";
import { Recorder } from "./recorder.ts";
import { type Translated, translate } from "./translate.ts";

/** What the device holds for one tensor. */
interface Held {
  readonly buffer: GpuBuffer;
  readonly length: number;
}

interface Compiled {
  readonly pipeline: GpuPipeline;
  readonly layout: unknown;
}

/** Bytes to bind: whole vec4f, which the size classes of buffers have room for. */
const boundBytes = (length: number): number => Math.max(16, Math.ceil(length / 4) * 16);

interface Opened {
  readonly gpu: Gpu;
  readonly adapter: GpuAdapter;
  readonly library: GpuJs;
  readonly maxBytes: number;
}

class WebGpuDevice implements Device {
  readonly name = "webgpu";
  readonly details: Readonly<Record<string, string>>;
  readonly maxLength: number;
  readonly wgsl: WgslLimits;
  private readonly device: GpuDevice;
  private readonly library: GpuJs;
  private readonly pool: BufferPool;
  private readonly recorder: Recorder;
  private readonly compiled = new Map<string, Compiled>();
  private readonly translated = new Map<string, Translated>();
  private readonly staging: GpuBuffer[] = [];
  private readonly lostListeners = new Set<(error: Error) => void>();
  /** what went wrong since the last read; the next one throws it */
  private failure: Error | undefined;
  private lost: Error | undefined;
  /** Dawn in Node crashes where the object that made a device is collected before the device. */
  readonly origin: readonly unknown[];

  constructor(device: GpuDevice, { gpu, adapter, library, maxBytes }: Opened) {
    this.origin = [gpu, adapter];
    this.device = device;
    this.library = library;
    const { limits } = device;
    this.maxLength = Math.floor(Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize) / 16) * 4;
    this.wgsl = {
      workgroupStorage: limits.maxComputeWorkgroupStorageSize,
      invocationsPerWorkgroup: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
      workgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      storageBuffers: limits.maxStorageBuffersPerShaderStage,
    };
    const { vendor = "unknown", architecture = "", description = "" } = adapter.info ?? {};
    this.details = {
      kernels: "WGSL written by hand; the others translated by gpu.js",
      adapter: [vendor, architecture, description].filter((part) => part !== "").join(" "),
    };
    const onFailure = (failure: OutOfMemoryError): void => void (this.failure ??= failure);
    this.pool = new BufferPool(device, { maxBytes, onFailure });
    this.recorder = new Recorder(device, (submission) => void (this.pool.submission = submission));
    this.pool.beforeTrim = () => this.recorder.submit();
    device.onuncapturederror = ({ error }) => void (this.failure ??= new Error(`webgpu: ${error.message}`));
    device.lost.then(({ reason, message }) => {
      this.lost ??= deviceLost("webgpu", message || reason || "unknown reason");
      for (const listener of this.lostListeners) listener(this.lost);
    });
  }

  onLost(listener: (error: Error) => void): () => void {
    if (this.lost) listener(this.lost);
    this.lostListeners.add(listener);
    return () => void this.lostListeners.delete(listener);
  }

  destroy(): void {
    this.recorder.discard();
    this.lost ??= deviceLost("webgpu", "destroy was called");
    this.device.destroy();
  }

  statistics(): DeviceStatistics {
    const { launches, submissions } = this.recorder;
    return { launches, submissions, ...this.pool.statistics() };
  }

  upload(values: Float32Array): Held {
    this.expectAlive();
    const held = this.hold(values.length, true);
    this.device.queue.writeBuffer(held.buffer, 0, values);
    return held;
  }

  run(program: Program, length: number, inputs: readonly Held[], numbers: readonly number[]): Held {
    this.expectAlive();
    const { code, uniformBytes, fill } = this.translationOf(program);
    const lengths = inputs.map((input) => input.length);
    const output = this.hold(length);
    this.recorder.launch({
      ...this.compile(program.key, code, program.arrays, 1),
      buffers: [...inputs, output].map(({ buffer, length: size }) => ({ buffer, bytes: boundBytes(size) })),
      uniformBytes,
      fill: (uniform) => fill(uniform, { length, lengths, numbers }),
    });
    return output;
  }

  runWgsl(program: WgslProgram, { inputs, outputLengths, updates, params, workgroups }: WgslLaunch<Held>): Held[] {
    this.expectAlive();
    const outputs = outputLengths.map((length) => this.hold(length));
    const bytes = new Uint8Array(params.buffer, params.byteOffset, params.byteLength);
    this.recorder.launch({
      ...this.compile(`wgsl ${program.key}`, program.code, program.inputs, program.outputs + (program.updates ?? 0)),
      buffers: [...inputs, ...outputs, ...updates].map(({ buffer, length }) => ({ buffer, bytes: boundBytes(length) })),
      uniformBytes: Math.max(16, Math.ceil(bytes.byteLength / 16) * 16),
      fill: (uniform) => {
        new Uint8Array(uniform.buffer, uniform.byteOffset).set(bytes);
        return workgroups;
      },
    });
    return outputs;
  }

  copy(data: Held): Held {
    this.expectAlive();
    const held = this.hold(data.length);
    this.recorder.copy(data.buffer, held.buffer, boundBytes(data.length));
    return held;
  }

  async read({ buffer }: Held, length: number): Promise<Float32Array> {
    this.expectAlive();
    const bytes = length * 4;
    const staging = this.stagingFor(bytes);
    this.recorder.copy(buffer, staging, bytes);
    this.recorder.submit();
    try {
      await staging.mapAsync(mapModeRead, 0, bytes);
      const values = new Float32Array(staging.getMappedRange(0, bytes).slice(0));
      staging.unmap();
      this.staging.push(staging);
      this.throwFailure();
      return values;
    } catch (error) {
      if (this.failure || this.lost) this.throwFailure();
      // A buffer of the right size and usage fails to map for no other reason.
      throw deviceLost("webgpu", error instanceof Error ? error.message : String(error));
    }
  }

  release({ buffer }: Held): void {
    if (!this.lost) this.pool.give(buffer);
  }

  private hold(length: number, fromHost = false): Held {
    return { buffer: this.pool.take(boundBytes(length), { fromHost }), length };
  }

  /** A buffer that the host reads: kept for the next read while small and few. */
  private stagingFor(bytes: number): GpuBuffer {
    const at = this.staging.findIndex(({ size }) => size >= bytes && size <= 4 * Math.max(bytes, 1024));
    if (at >= 0) return this.staging.splice(at, 1)[0]!;
    while (this.staging.length >= 4) this.staging.shift()!.destroy();
    return this.device.createBuffer({ size: Math.max(16, bytes), usage: usage.mapRead | usage.copyDestination });
  }

  private translationOf(program: Program): Translated {
    let found = this.translated.get(program.key);
    if (!found) {
      found = translate(this.library, program, this.wgsl.workgroupsPerDimension);
      this.translated.set(program.key, found);
    }
    return found;
  }

  private compile(key: string, code: string, inputs: number, outputs: number): Compiled {
    let found = this.compiled.get(key);
    if (!found) {
      const storage = (type: string) => ({ visibility: computeStage, buffer: { type } });
      const entries = [
        { visibility: computeStage, buffer: { type: "uniform", hasDynamicOffset: true } },
        ...Array.from({ length: inputs }, () => storage("read-only-storage")),
        ...Array.from({ length: outputs }, () => storage("storage")),
      ].map((entry, binding) => ({ binding, ...entry }));
      const layout = this.device.createBindGroupLayout({ entries });
      const pipeline = this.device.createComputePipeline({
        layout: this.device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module: this.device.createShaderModule({ code }), entryPoint: "main" },
      });
      found = { pipeline, layout };
      this.compiled.set(key, found);
    }
    return found;
  }

  private expectAlive(): void {
    if (this.lost) throw this.lost;
  }

  private throwFailure(): void {
    this.expectAlive();
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure;
  }
}

/** Limits that are asked for as high as the adapter has them; the others stay at what the standard promises. */
const wantedLimits = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/** The device, or why there is none. */
export async function openWebgpu(
  library: GpuJs,
  {
    gpu,
    maxBytes = Number.POSITIVE_INFINITY,
  }: { readonly gpu?: Gpu | undefined; readonly maxBytes?: number | undefined } = {},
): Promise<Device | string> {
  const found = gpu ?? (globalThis as { readonly navigator?: { readonly gpu?: Gpu } }).navigator?.gpu;
  if (!found) return "navigator.gpu is missing";
  const adapter = await found.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return "there is no adapter";
  const requiredLimits = Object.fromEntries(wantedLimits.map((limit) => [limit, adapter.limits[limit]]));
  const device = await adapter.requestDevice({ requiredLimits });
  return new WebGpuDevice(device, { gpu: found, adapter, library, maxBytes });
}
