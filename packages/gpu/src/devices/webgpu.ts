import { deviceLost } from "../errors.ts";
import {
  commonSettings,
  type GpuBufferResult,
  type GpuInstance,
  type GpuJs,
  type GpuKernel,
  type WebGpuContext,
} from "../gpu-js.ts";
import type { Program } from "../program.ts";
import type { Device } from "./device.ts";

// The numbers that WebGPU's standard gives to usages; the named constants exist only where WebGPU does.
const mapRead = 0x1;
const copySource = 0x4;
const copyDestination = 0x8;
const storage = 0x80;

interface Entry {
  readonly kernel: GpuKernel;
  /** the first run, during which gpu.js compiles; later ones must wait for it, because it keeps one output size */
  built: Promise<unknown> | undefined;
}

class WebGpuDevice implements Device {
  readonly name = "webgpu";
  readonly details: Readonly<Record<string, string>>;
  readonly maxLength: number;
  private readonly kernels = new Map<string, Entry>();
  private readonly gpu: GpuInstance;
  private readonly library: GpuJs;
  private readonly context: WebGpuContext;

  constructor(gpu: GpuInstance, library: GpuJs, context: WebGpuContext) {
    this.gpu = gpu;
    this.library = library;
    this.context = context;
    const { maxStorageBufferBindingSize, maxBufferSize } = context.device.limits;
    this.maxLength = Math.min(2 ** 24, maxStorageBufferBindingSize / 4, maxBufferSize / 4);
    const { vendor = "unknown", architecture = "unknown" } = context.adapter.info ?? {};
    this.details = { kernels: "gpu.js WebGPU: compute shaders", adapter: `${vendor} ${architecture}` };
  }

  upload(values: Float32Array): GpuBufferResult {
    const { device } = this.context;
    const buffer = device.createBuffer({
      size: Math.max(4, values.byteLength),
      usage: storage | copySource | copyDestination,
    });
    device.queue.writeBuffer(buffer, 0, values);
    return new this.library.WebGPUBufferResult({
      buffer,
      output: [values.length],
      context: this.context,
      kernel: undefined,
    });
  }

  async run(
    program: Program,
    length: number,
    inputs: readonly unknown[],
    numbers: readonly number[],
  ): Promise<unknown> {
    const entry = this.entryOf(program);
    while (entry.built) await entry.built;
    if (this.context.isLost) throw deviceLost("webgpu", "before a kernel was started");
    const result = entry.kernel.setOutput([length])(...inputs, ...numbers) as Promise<unknown>;
    if (!this.compiled.has(program.key)) {
      const key = program.key;
      entry.built = result.then(
        () => void this.compiled.add(key),
        () => {},
      );
      entry.built.then(() => (entry.built = undefined));
    }
    return result;
  }

  private readonly compiled = new Set<string>();

  private entryOf({ key, source, arrays, numbers }: Program): Entry {
    let entry = this.kernels.get(key);
    if (!entry) {
      const argumentTypes = [...new Array<string>(arrays).fill("Array"), ...new Array<string>(numbers).fill("Float")];
      const kernel = this.gpu.createKernel(source, {
        ...commonSettings,
        argumentTypes,
        pipeline: true,
        immutable: true,
      });
      entry = { kernel, built: undefined };
      this.kernels.set(key, entry);
    }
    return entry;
  }

  async read(data: unknown, length: number): Promise<Float32Array> {
    const { device } = this.context;
    if (this.context.isLost) throw deviceLost("webgpu", "before the read");
    const bytes = length * 4;
    const staging = device.createBuffer({ size: bytes, usage: mapRead | copyDestination });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer((data as GpuBufferResult).buffer, 0, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    try {
      await staging.mapAsync(mapRead);
      return new Float32Array(staging.getMappedRange().slice(0));
    } catch (error) {
      // A buffer of the right size and usage fails to map for no other reason.
      throw deviceLost("webgpu", error instanceof Error ? error.message : String(error));
    } finally {
      staging.destroy();
    }
  }

  release(data: unknown): void {
    (data as GpuBufferResult).delete();
  }
}

/** The device, or why there is none. */
export async function openWebgpu(library: GpuJs): Promise<Device | string> {
  if (!library.GPU.isWebGPUSupported) return "navigator.gpu is missing";
  try {
    const context = await library.WebGPUContext.acquire();
    return new WebGpuDevice(new library.GPU({ mode: "webgpu" }), library, context);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
