import type { BackendBuffer } from "../../backend.ts";
import { Allocator } from "./allocator.ts";
import { memoryBase } from "./binary.generated.ts";
import { compileKernels } from "./binary.ts";
import { availableThreads, clock, type WasmApi, type WasmMemory, webAssembly, whyNotShared } from "./host.ts";
import { type KernelFunction, Pool } from "./pool.ts";
import { ARGUMENT_WORDS, ARGUMENTS } from "./pool-layout.ts";

/** A buffer of the WebAssembly backend. */
export interface WasmBuffer extends BackendBuffer {
  /** Byte address in the module's memory. */
  readonly address: number;
  /** Whether the allocator owns it: false for parts and for buffers of no bytes. */
  readonly owned: boolean;
}

/** How to start the kernels; everything is found out when left out. */
export interface RuntimeOptions {
  /** threads that compute, the calling one included; default: what the machine has, at most 8 */
  readonly threads?: number;
  /** use relaxed SIMD */
  readonly relaxed: boolean;
  /** have 256-bit vectors where the engine can; default: true with relaxed SIMD */
  readonly wide?: boolean;
  /** share memory with workers; without it there is one thread */
  readonly shared?: boolean;
}

/** Work below this many nanoseconds stays on the calling thread: waking a worker costs about as much. */
const PARALLEL_NANOSECONDS = 30_000;
const MOST_THREADS = 8;

/** The bits of a float, to pass it among 32-bit arguments. */
export function floatBits(value: number): number {
  bits.f32[0] = value;
  return bits.i32[0]!;
}
const floatCell = new Float32Array(1);
const bits = { f32: floatCell, i32: new Int32Array(floatCell.buffer) };

function makeMemory(wasm: WasmApi, shared: boolean): WasmMemory {
  for (let maximum = 65536; ; maximum /= 2) {
    try {
      return new wasm.Memory({ initial: 2, maximum, ...(shared && { shared }) });
    } catch (error) {
      if (maximum <= 1024) throw error;
    }
  }
}

/** One instance of the kernels with its memory and its threads. */
export class WasmRuntime {
  readonly relaxed: boolean;
  readonly shared: boolean;
  /** Whether the engine fuses neighboring 128-bit operations into 256-bit ones. Changes no result. */
  readonly wide: boolean;
  /** Why there is one thread, where that was not asked for. */
  readonly single: string | undefined;
  readonly allocator: Allocator;
  readonly pool: Pool | undefined;
  private readonly memory: WasmMemory;
  private readonly kernels = new Map<string, { index: number; call: KernelFunction }>();
  private int32View: Int32Array;

  constructor({ threads, relaxed, wide, shared }: RuntimeOptions) {
    const wasm = webAssembly()!;
    this.relaxed = relaxed;
    this.single = shared === false ? "not asked for" : whyNotShared();
    this.shared = this.single === undefined;
    const { module, wide: fused } = compileKernels(relaxed, this.shared, relaxed && wide === true);
    const memory = makeMemory(wasm, this.shared);
    const { exports } = new wasm.Instance(module, { env: { memory } });
    this.memory = memory;
    const names = Object.keys(exports).filter((name) => typeof exports[name] === "function");
    names.sort().forEach((name, index) => this.kernels.set(name, { index, call: exports[name] as KernelFunction }));
    this.allocator = new Allocator((bytes) => this.grow(bytes));
    const heap = (exports["heapBase"] as { value: number }).value;
    this.allocator.addRegion(heap, memory.buffer.byteLength - heap);
    this.int32View = new Int32Array(memory.buffer);
    this.wide = fused && this.wideIsSound();
    const size = threads ?? Math.min(MOST_THREADS, availableThreads());
    if (this.shared && size > 1) this.pool = new Pool(module, memory, size);
  }

  get threads(): number {
    return this.pool?.threads ?? 1;
  }

  /** The whole memory. Use at once: other arrays come with growth. */
  get int32(): Int32Array {
    if (this.int32View.buffer !== this.memory.buffer) this.int32View = new Int32Array(this.memory.buffer);
    return this.int32View;
  }

  /** The whole memory as bytes or the like; see `int32`. */
  get buffer(): ArrayBufferLike {
    return this.memory.buffer;
  }

  allocate(bytes: number): WasmBuffer {
    return bytes === 0
      ? { bytes, address: memoryBase, owned: false }
      : { bytes, address: this.allocator.allocate(bytes), owned: true };
  }

  free(buffer: WasmBuffer): void {
    if (buffer.owned) this.allocator.release(buffer.address);
  }

  /**
   * Runs `chunks` chunks of an exported kernel over its arguments, 32-bit words each (`floatBits` for floats).
   *
   * How the work is cut into chunks must follow from shapes alone, so that results do not depend on the number of
   * threads. `nanoseconds` is roughly what one thread needs for all of it; small jobs stay on the calling thread.
   */
  run(name: string, words: readonly number[], chunks: number, nanoseconds: number): void {
    const kernel = this.kernels.get(name);
    if (!kernel)
      throw new RangeError(`run: name is not an exported kernel, expected one of wasm/index.ts, got ${name}`);
    const borrowed = words.length > ARGUMENT_WORDS ? this.allocate(words.length * 4) : undefined;
    const args = borrowed?.address ?? ARGUMENTS;
    this.int32.set(words, args >>> 2);
    try {
      if (this.pool && chunks > 1 && nanoseconds >= PARALLEL_NANOSECONDS)
        this.pool.run(kernel.index, kernel.call, args, chunks);
      else for (let chunk = 0; chunk < chunks; chunk++) kernel.call(args, chunk);
    } finally {
      if (borrowed) this.free(borrowed);
    }
  }

  /** Lends working memory to `body`, for kernels of several steps. */
  withMemory<T>(bytes: number, body: (address: number) => T): T {
    const buffer = this.allocate(bytes);
    try {
      return body(buffer.address);
    } finally {
      this.free(buffer);
    }
  }

  close(): void {
    this.pool?.close();
  }

  /** Whether wide tiles give the bits of narrow ones and are faster here: one small product with either. */
  private wideIsSound(): boolean {
    const [M, N, K] = [12, 32, 128];
    const now = clock();
    const best = { 8: Number.POSITIVE_INFINITY, 16: Number.POSITIVE_INFINITY };
    return this.withMemory((M * K + K * N + 2 * M * N) * 4, (a) => {
      const b = a + M * K * 4;
      const results = { 8: b + K * N * 4, 16: b + (K + M) * N * 4 };
      for (let i = 0; i < M * K + K * N; i++) this.int32[(a >>> 2) + i] = floatBits(Math.sin(i * i + 1));
      for (let round = 0; round < 6; round++) {
        for (const width of [8, 16] as const) {
          const start = now();
          for (let i = 0; i < 8; i++)
            this.run("matmulBlocks", [0, width, M, N, K, results[width], 0, K, 1, 1, 1, 1, 0, 0, 0, 0, a, b], 1, 0);
          best[width] = Math.min(best[width], now() - start);
        }
      }
      const words = (address: number): Int32Array => this.int32.subarray(address >>> 2, (address >>> 2) + M * N);
      const narrow = words(results[8]);
      return best[16] < best[8] && words(results[16]).every((bits, i) => bits === narrow[i]);
    });
  }

  private grow(bytes: number): number | undefined {
    try {
      return this.memory.grow(bytes / 65536) * 65536;
    } catch {
      return undefined;
    }
  }
}

/** Byte address of an operand's values. */
export const addressOf = (operand: { readonly buffer: BackendBuffer }): number =>
  (operand.buffer as WasmBuffer).address;
