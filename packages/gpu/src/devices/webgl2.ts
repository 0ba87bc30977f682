import { deviceLost, OutOfMemoryError } from "../errors.ts";
import {
  commonSettings,
  type GlContext,
  type GpuInstance,
  type GpuJs,
  type GpuKernel,
  type GpuTexture,
} from "../gpu-js.ts";
import type { Program } from "../program.ts";
import type { Device, DeviceStatistics } from "./device.ts";

const uploadSource = "function (a) { return a[this.thread.x]; }";

/** The number that WebGL's standard gives to running out of memory. */
const outOfMemory = 0x0505;

/** A texture with the bytes of its elements; the driver's own padding is not known. */
interface Held {
  readonly texture: GpuTexture;
  readonly bytes: number;
}

/** WebGL2: tensors are float textures, kernels are fragment shaders; no kernel is ever destroyed (gpu.js breaks others). */
class WebGl2Device implements Device {
  readonly name = "webgl2";
  readonly details = { kernels: "gpu.js WebGL2: fragment shaders on float textures" };
  readonly maxLength = 2 ** 24;
  private readonly gpu: GpuInstance;
  private readonly maxBytes: number;
  private readonly kernels = new Map<string, GpuKernel>();
  private readonly lostListeners = new Set<(error: Error) => void>();
  private context: GlContext | undefined;
  private lost: Error | undefined;
  private launches = 0;
  private textures = 0;
  private bytes = 0;
  /** the largest texture since the last read: which one did not fit is not told */
  private largest = 0;

  constructor(gpu: GpuInstance, maxBytes: number) {
    this.gpu = gpu;
    this.maxBytes = maxBytes;
  }

  upload(values: Float32Array): Held {
    return this.launch("upload", uploadSource, ["Array"], values.length, [values]);
  }

  run(program: Program, length: number, inputs: readonly Held[], numbers: readonly number[]): Held {
    const { key, source, arrays, fours } = program;
    const types = [
      ...Array.from({ length: arrays }, (_, i) =>
        fours === "read" && i === 0 ? "ArrayTexture(4)" : "ArrayTexture(1)",
      ),
      ...new Array<string>(program.numbers).fill("Float"),
    ];
    const args = [...inputs.map(({ texture }) => texture), ...numbers];
    return this.launch(key, source, types, length, args, fours === "written" ? 16 : 4);
  }

  private launch(
    key: string,
    source: string,
    argumentTypes: readonly string[],
    length: number,
    args: readonly unknown[],
    bytesEach = 4,
  ): Held {
    if (this.lost) throw this.lost;
    const bytes = length * bytesEach;
    if (this.bytes + bytes > this.maxBytes) throw new OutOfMemoryError("webgl2", { wanted: bytes, inUse: this.bytes });
    let kernel = this.kernels.get(key);
    if (!kernel) {
      kernel = this.gpu.createKernel(source, { ...commonSettings, argumentTypes, pipeline: true, immutable: true });
      this.kernels.set(key, kernel);
    }
    const texture = kernel.setOutput([length])(...args) as GpuTexture;
    if (!this.context) this.watch(texture.context);
    this.launches++;
    this.textures++;
    this.bytes += bytes;
    this.largest = Math.max(this.largest, bytes);
    return { texture, bytes };
  }

  private watch(context: GlContext): void {
    this.context = context;
    context.canvas.addEventListener("webglcontextlost", () => this.lose());
  }

  private lose(): Error {
    if (this.lost) return this.lost;
    this.lost = deviceLost("webgl2", "the browser took the context away");
    for (const listener of this.lostListeners) listener(this.lost);
    return this.lost;
  }

  /** A context without memory or none at all reads zeros, and says so only when asked. */
  private expectAlive(): void {
    if (this.lost || this.context!.isContextLost()) throw this.lose();
    const wanted = this.largest;
    this.largest = 0;
    if (this.context!.getError() === outOfMemory)
      throw new OutOfMemoryError("webgl2", { wanted, inUse: this.bytes - wanted });
  }

  /** Bound, as whoever asks whether a device has it may call it alone. */
  readonly readSync = ({ texture }: Held, length: number): Float32Array => {
    const values = texture.toArray();
    this.expectAlive();
    return values.length === length ? values : values.slice(0, length);
  };

  async read(held: Held, length: number): Promise<Float32Array> {
    return this.readSync(held, length);
  }

  release({ texture, bytes }: Held): void {
    this.textures--;
    this.bytes -= bytes;
    texture.delete();
  }

  onLost(listener: (error: Error) => void): () => void {
    if (this.lost) listener(this.lost);
    this.lostListeners.add(listener);
    return () => void this.lostListeners.delete(listener);
  }

  statistics(): DeviceStatistics {
    const { launches, textures, bytes } = this;
    return { launches, submissions: launches, buffers: textures, bytes, pooledBuffers: 0, pooledBytes: 0 };
  }
}

/** A device on a WebGL2 instance of gpu.js. */
export const webgl2Device = (gpu: GpuInstance, maxBytes = Number.POSITIVE_INFINITY): Device =>
  new WebGl2Device(gpu, maxBytes);

/** The device, or why there is none. */
export function openWebgl2({ GPU }: GpuJs, maxBytes?: number): Device | string {
  if (!GPU.isWebGL2Supported) return "no WebGL2 context that renders to float textures";
  const device = webgl2Device(new GPU({ mode: "webgl2" }), maxBytes);
  const probe = device.upload(new Float32Array([1.5, -2]));
  const values = device.readSync!(probe, 2);
  device.release(probe);
  return values[0] === 1.5 && values[1] === -2 ? device : `WebGL2 returned ${values.join(", ")} for 1.5, -2`;
}
