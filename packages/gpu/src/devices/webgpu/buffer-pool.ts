import { OutOfMemoryError } from "../../errors.ts";
import { type GpuBuffer, type GpuDevice, usage } from "../../web-gpu.ts";

/** Freed buffers of one size, with the number of the submission that may still use them. */
interface Freed {
  readonly buffer: GpuBuffer;
  readonly submission: number;
}

/** Bytes that may lie in the pool in any case; beyond, as many as are in use. */
const leastPooled = 2 ** 28;

/** What a device holds, in buffers and bytes. */
export interface PoolStatistics {
  readonly buffers: number;
  readonly bytes: number;
  readonly pooledBuffers: number;
  readonly pooledBytes: number;
}

/**
 * Sizes that buffers are made in: multiples of 256 bytes, with eight sizes from one power of two to the next, so that at
 * most an eighth is wasted.
 */
export function sizeClass(bytes: number): number {
  const least = Math.max(256, Math.ceil(bytes / 256) * 256);
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(least)) - 3));
  return Math.ceil(least / step) * step;
}

/**
 * Buffers that are used again. Commands of one queue run in their order, so what is freed can be written by the next
 * kernel at once; only the host must wait until all commands that use it are submitted.
 */
export class BufferPool {
  private readonly device: GpuDevice;
  private readonly maxBytes: number;
  private readonly free = new Map<number, Freed[]>();
  private count = { buffers: 0, bytes: 0, pooledBuffers: 0, pooledBytes: 0 };
  private readonly onFailure: (failure: OutOfMemoryError) => void;
  /** of the commands that are being recorded */
  submission = 0;

  constructor(
    device: GpuDevice,
    { maxBytes, onFailure }: { readonly maxBytes: number; readonly onFailure: (failure: OutOfMemoryError) => void },
  ) {
    this.device = device;
    this.maxBytes = maxBytes;
    this.onFailure = onFailure;
  }

  statistics(): PoolStatistics {
    return { ...this.count };
  }

  /** A buffer for `bytes` bytes, contents arbitrary. `fromHost`: the host writes it before the recorded commands run. */
  take(bytes: number, { fromHost = false }: { readonly fromHost?: boolean } = {}): GpuBuffer {
    const size = sizeClass(bytes);
    const list = this.free.get(size) ?? [];
    // Freed last, used first; the host takes what was freed first, if all commands that use it are submitted.
    const at = !fromHost ? list.length - 1 : (list[0]?.submission ?? this.submission) < this.submission ? 0 : -1;
    const buffer = at < 0 ? this.create(size) : list.splice(at, 1)[0]!.buffer;
    if (at >= 0) {
      this.count.pooledBuffers--;
      this.count.pooledBytes -= size;
    }
    this.count.buffers++;
    this.count.bytes += size;
    return buffer;
  }

  give(buffer: GpuBuffer): void {
    const { size } = buffer;
    const list = this.free.get(size);
    if (list) list.push({ buffer, submission: this.submission });
    else this.free.set(size, [{ buffer, submission: this.submission }]);
    this.count.buffers--;
    this.count.bytes -= size;
    this.count.pooledBuffers++;
    this.count.pooledBytes += size;
  }

  /** Destroys what is not in use. Call it only when all recorded commands are submitted. */
  trim(): void {
    for (const list of this.free.values()) for (const { buffer } of list) buffer.destroy();
    this.free.clear();
    this.count = { ...this.count, pooledBuffers: 0, pooledBytes: 0 };
  }

  /** All recorded commands are submitted: what is pooled beyond the bound is destroyed, what was freed first goes first. */
  settle(submission: number): void {
    this.submission = submission;
    const most = Math.max(leastPooled, this.count.bytes);
    if (this.count.pooledBytes <= most) return;
    const all = [...this.free.values()].flat().sort((a, b) => a.submission - b.submission);
    for (const { buffer } of all) {
      if (this.count.pooledBytes <= most) break;
      const list = this.free.get(buffer.size)!;
      list.splice(
        list.findIndex((freed) => freed.buffer === buffer),
        1,
      );
      this.count.pooledBuffers--;
      this.count.pooledBytes -= buffer.size;
      buffer.destroy();
    }
  }

  /** Set by the recorder: submits what is recorded, so that pooled buffers can be destroyed. */
  beforeTrim: () => void = () => {};

  private create(size: number): GpuBuffer {
    if (this.count.bytes + this.count.pooledBytes + size > this.maxBytes) {
      this.beforeTrim();
      this.trim();
    }
    const inUse = this.count.bytes;
    if (inUse + size > this.maxBytes) throw new OutOfMemoryError("webgpu", { wanted: size, inUse });
    this.device.pushErrorScope("out-of-memory");
    const buffer = this.device.createBuffer({
      size,
      usage: usage.storage | usage.copySource | usage.copyDestination,
    });
    this.device.popErrorScope().then(
      (error) => error && this.onFailure(new OutOfMemoryError("webgpu", { wanted: size, inUse })),
      () => {}, // the device is lost, which is told elsewhere
    );
    return buffer;
  }
}
