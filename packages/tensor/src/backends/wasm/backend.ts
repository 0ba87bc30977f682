import {
  type Backend,
  type BackendBuffer,
  type BackendCapabilities,
  type Kernel,
  kernelCounter,
} from "../../backend.ts";
import { type DType, type TypedArray, viewArray } from "../../types.ts";
import { vectorSupport } from "./binary.ts";
import { kernelFamilies } from "./kernels/index.ts";
import { type WasmBuffer, WasmRuntime } from "./runtime.ts";

/** What to use of the engine; by default all that is not experimental. */
export interface WasmBackendOptions {
  /** threads that compute, the calling one included, whole, at least 1; default: what the machine has, at most 8 */
  readonly threads?: number;
  /** false: do without fused multiply-add; true: demand it */
  readonly relaxed?: boolean;
  /**
   * true: let V8 make 256-bit vectors of pairs of 128-bit ones, about twice as fast, where it can (Node 24, x64). The
   * flag of V8 that does it is experimental and is set while our kernels compile, so it is for processes of your own.
   * A check at the start compares results and speed, and goes back to 128 bits where either disappoints. Default false
   */
  readonly wide?: boolean;
  /** false: do not share memory, hence one thread */
  readonly shared?: boolean;
  /** throw where an operation has no kernel, instead of running its reference kernel */
  readonly strict?: boolean;
}

/** The WebAssembly backend; `close` ends its threads, after which it computes on the calling one. */
export interface WasmBackend extends Backend {
  /** @internal */
  readonly runtime: WasmRuntime;
  close(): void;
}

const dtypes: readonly DType[] = ["float32", "int32", "bool"];
const wasm = (buffer: BackendBuffer): WasmBuffer => buffer as WasmBuffer;

function capabilities(runtime: WasmRuntime): BackendCapabilities {
  const { pool } = runtime;
  const why = runtime.single ?? pool?.failure;
  return {
    dtypes,
    threads: runtime.threads,
    details: {
      simd: `${runtime.wide ? 256 : 128} bit${runtime.relaxed ? ", fused multiply-add" : ""}`,
      threads: `${runtime.threads}, ${runtime.shared ? "shared memory" : "memory not shared"}${why ? ` (${why})` : ""}`,
      ...(pool && { workers: `${pool.ready} of ${pool.threads - 1} started` }),
      memory: `${runtime.allocator.bytesInUse} of ${runtime.allocator.bytesTotal} bytes in use`,
    },
  };
}

/**
 * Kernels compiled to WebAssembly, embedded in this package: the default backend. Undefined where the engine has no
 * WebAssembly SIMD.
 *
 * Nothing is fetched or awaited. Threads start with the first large operation; they sleep when idle and do not keep a
 * process alive. Results do not depend on their number.
 *
 * @throws RangeError if `threads` is not a whole number >= 1, or `relaxed: true` is asked for and missing
 */
export function createWasmBackend(options: WasmBackendOptions = {}): WasmBackend | undefined {
  const { threads, wide, shared, strict = false } = options;
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1 || threads > 64)) {
    throw new RangeError(
      `createWasmBackend: threads is out of range, expected a whole number in 1..64, got ${threads}`,
    );
  }
  const support = vectorSupport();
  if (support === "none") return undefined;
  if (options.relaxed && support !== "relaxed") {
    throw new RangeError(
      "createWasmBackend: relaxed is true, expected an engine with relaxed SIMD, got one without. Leave it out to use what there is",
    );
  }
  const choice = {
    relaxed: options.relaxed ?? support === "relaxed",
    ...(threads !== undefined && { threads }),
    ...(shared !== undefined && { shared }),
  };
  const tried = wide ? new WasmRuntime({ ...choice, wide }) : undefined;
  const runtime = tried?.wide ? tried : new WasmRuntime(choice);
  const kernels: Record<string, Kernel> = Object.assign({}, ...kernelFamilies.map((family) => family(runtime)));
  const hostView = (buffer: BackendBuffer, dtype: DType, length: number): TypedArray =>
    viewArray(dtype, runtime.buffer, wasm(buffer).address, length);
  const copy = (buffer: BackendBuffer, dtype: DType, length: number): TypedArray =>
    hostView(buffer, dtype, length).slice();
  return {
    name: "wasm",
    kernels,
    strict,
    runtime,
    supports: (dtype) => dtypes.includes(dtype),
    allocate: (bytes) => runtime.allocate(bytes),
    free: (buffer) => runtime.free(wasm(buffer)),
    write: (buffer, values) => {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      new Uint8Array(runtime.buffer, wasm(buffer).address, buffer.bytes).set(bytes);
    },
    read: async (buffer, dtype, length) => copy(buffer, dtype, length),
    readSync: copy,
    hostView,
    view: (buffer, byteOffset, bytes): WasmBuffer => ({
      bytes,
      address: wasm(buffer).address + byteOffset,
      owned: false,
    }),
    capabilities: () => capabilities(runtime),
    close: () => runtime.close(),
    ...kernelCounter(),
  };
}
