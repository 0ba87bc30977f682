import { deviceLost, type OutOfMemoryError } from "../../errors.ts";
import type { GpuJs } from "../../gpu-js.ts";
import type { Program } from "../../program.ts";
import { type Gpu, type GpuAdapter, type GpuBuffer, type GpuDevice, mapModeRead, usage } from "../../web-gpu.ts";
import type { WgslLimits, WgslProgram } from "../../wgsl-program.ts";
import type { Device, DeviceStatistics, WgslLaunch } from "../device.ts";
import { BufferPool } from "./buffer-pool.ts";
import { Pipelines } from "./pipelines.ts";
import { Recorder } from "./recorder.ts";

/** What the device holds for one tensor. */
interface Held {
  readonly buffer: GpuBuffer;
  readonly length: number;
}

interface Part {
  readonly start: number;
  readonly length: number;
  readonly inputs: readonly Held[];
  readonly output: Held;
  readonly numbers: readonly number[];
}

/** Bytes to bind: whole vec4f, which the size classes of buffers have room for. */
const boundBytes = (length: number): number => Math.max(16, Math.ceil(length / 4) * 16);

interface Opened {
  readonly gpu: Gpu;
  readonly adapter: GpuAdapter;
  readonly library: GpuJs;
  readonly maxBytes: number;
  readonly mostElements: number;
}

class WebGpuDevice implements Device {
  readonly name = "webgpu";
  readonly details: Readonly<Record<string, string>>;
  readonly maxLength: number;
  readonly wgsl: WgslLimits;
  /** elements that one launch of a program of gpu.js may read or write: it counts them in float32 */
  private readonly most: number;
  private readonly device: GpuDevice;
  private readonly pool: BufferPool;
  private readonly recorder: Recorder;
  private readonly pipelines: Pipelines;
  private readonly staging: GpuBuffer[] = [];
  private readonly lostListeners = new Set<(error: Error) => void>();
  /** what went wrong since the last read; the next one throws it */
  private failure: Error | undefined;
  private lost: Error | undefined;
  /** Dawn in Node crashes where the object that made a device is collected before the device. */
  readonly origin: readonly unknown[];

  constructor(device: GpuDevice, { gpu, adapter, library, maxBytes, mostElements }: Opened) {
    this.origin = [gpu, adapter];
    this.device = device;
    this.pipelines = new Pipelines(device, library);
    const { limits } = device;
    this.maxLength = Math.floor(limits.maxBufferSize / 16) * 4;
    // Whole steps of the alignment that parts of buffers must have.
    this.most = Math.min(mostElements, Math.floor(limits.maxStorageBufferBindingSize / 1024) * 256);
    this.wgsl = {
      workgroupStorage: limits.maxComputeWorkgroupStorageSize,
      invocationsPerWorkgroup: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
      workgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      storageBuffers: limits.maxStorageBuffersPerShaderStage,
      elementsPerBuffer: Math.floor(limits.maxStorageBufferBindingSize / 16) * 4,
    };
    const { vendor = "unknown", architecture = "", description = "" } = adapter.info ?? {};
    this.details = {
      kernels: "WGSL written by hand; the others translated by gpu.js",
      adapter: [vendor, architecture, description].filter((part) => part !== "").join(" "),
    };
    const onFailure = (failure: OutOfMemoryError): void => void (this.failure ??= failure);
    this.pool = new BufferPool(device, { maxBytes, onFailure });
    this.recorder = new Recorder(device, (submission) => this.pool.settle(submission));
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
    const { most } = this;
    const isLarge = [length, ...inputs.map((input) => input.length)].some((size) => size > most);
    if (isLarge && !program.pointwise) {
      throw new RangeError(
        `${program.key}: a tensor of ${Math.max(length, ...inputs.map((input) => input.length))} elements is too large for this kernel, expected at most ${most}. Split it or use another backend`,
      );
    }
    const output = this.hold(length);
    for (let start = 0; start < length; start += most)
      this.runPart(program, { start, length: Math.min(most, length - start), inputs, output, numbers });
    return output;
  }

  /** Runs a program on elements `start` .. `start + length - 1`; all there are, where it is not pointwise. */
  private runPart(program: Program, { start, length, inputs, output, numbers }: Part): void {
    const { code, uniformBytes, fill } = this.pipelines.translate(program);
    const parts = inputs.map((input, i) =>
      program.pointwise?.[i] ? { buffer: input.buffer, length, offset: 4 * start } : { ...input, offset: 0 },
    );
    const lengths = parts.map((part) => part.length);
    this.recorder.launch({
      ...this.pipelines.compile({ key: program.key, code, inputs: program.arrays, outputs: 1 }),
      buffers: [...parts, { buffer: output.buffer, length, offset: 4 * start }].map(
        ({ buffer, length: size, offset }) => ({
          buffer,
          bytes: boundBytes(size),
          offset,
        }),
      ),
      uniformBytes,
      fill: (uniform) => fill(uniform, { length, lengths, numbers }),
    });
  }

  runWgsl(program: WgslProgram, { inputs, outputLengths, updates, params, workgroups }: WgslLaunch<Held>): Held[] {
    this.expectAlive();
    const largest = Math.max(...inputs.map(({ length }) => length), ...outputLengths);
    if (largest > this.wgsl.elementsPerBuffer) {
      throw new RangeError(
        `${program.key}: a tensor of ${largest} elements is too large for a kernel of this device, expected at most ${this.wgsl.elementsPerBuffer}. Split it or use another backend`,
      );
    }
    const outputs = outputLengths.map((length) => this.hold(length));
    const bytes = new Uint8Array(params.buffer, params.byteOffset, params.byteLength);
    this.recorder.launch({
      ...this.pipelines.compile({
        key: `wgsl ${program.key}`,
        code: program.code,
        inputs: program.inputs,
        outputs: program.outputs + (program.updates ?? 0),
      }),
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

/** Options of {@link openWebgpu}. */
export interface OpenOptions {
  readonly gpu?: Gpu | undefined;
  readonly maxBytes?: number | undefined;
  /** elements that gpu.js's kernels may count to, a multiple of 256; default what float32 counts exactly. Smaller in tests */
  readonly mostElements?: number;
}

/** The device, or why there is none. */
export async function openWebgpu(library: GpuJs, options: OpenOptions = {}): Promise<Device | string> {
  const { maxBytes = Number.POSITIVE_INFINITY, mostElements = 2 ** 24 } = options;
  const gpu = options.gpu ?? (globalThis as { readonly navigator?: { readonly gpu?: Gpu } }).navigator?.gpu;
  if (!gpu) return "navigator.gpu is missing";
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return "there is no adapter";
  const requiredLimits = Object.fromEntries(wantedLimits.map((limit) => [limit, adapter.limits[limit]]));
  const device = await adapter.requestDevice({ requiredLimits });
  return new WebGpuDevice(device, { gpu, adapter, library, maxBytes, mostElements });
}
