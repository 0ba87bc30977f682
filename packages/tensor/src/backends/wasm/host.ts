/** The parts of the host that WebAssembly kernels need, declared as far as used and looked up when called, never at import. */

export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}

/** A compiled module; may be posted to workers. */
export type WasmModule = object;

export interface WasmApi {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: object,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
  readonly Memory: new (options: { initial: number; maximum: number; shared?: boolean }) => WasmMemory;
}

interface WebWorker {
  postMessage(message: unknown): void;
  terminate(): void;
  onerror: ((event: { message?: string; preventDefault?(): void }) => void) | null;
}

interface NodeWorker {
  unref(): void;
  on(event: "error", listener: (error: Error) => void): void;
  terminate(): Promise<number>;
}

interface Host {
  readonly WebAssembly?: WasmApi;
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly performance?: { now(): number };
  readonly process?: {
    readonly versions?: { readonly node?: string; readonly v8?: string };
    readonly arch?: string;
    readonly execArgv?: readonly string[];
    getBuiltinModule?(name: string): unknown;
  };
  readonly Worker?: new (url: string, options: { type: "module"; name: string }) => WebWorker;
  readonly Blob?: new (parts: string[], options: { type: string }) => object;
  readonly URL?: { createObjectURL(blob: object): string; revokeObjectURL(url: string): void };
}

const host = (): Host => globalThis as Host;

export const webAssembly = (): WasmApi | undefined => host().WebAssembly;

/** A module of Node itself, or undefined elsewhere (and on Node before 20.16, which has no way to ask without an import). */
function builtin<T>(name: string): T | undefined {
  const { process } = host();
  return process?.versions?.node ? (process.getBuiltinModule?.(name) as T | undefined) : undefined;
}

/** Hardware threads that this process may use. */
export function availableThreads(): number {
  const os = builtin<{ availableParallelism(): number }>("node:os");
  return os?.availableParallelism() ?? host().navigator?.hardwareConcurrency ?? 1;
}

/** Flags of V8 that make it compile everything at once and fuse pairs of 128-bit operations, and those that undo them. */
const WIDE_FLAGS = [
  "--experimental-wasm-revectorize",
  "--no-liftoff",
  "--no-wasm-lazy-compilation",
  "--no-wasm-dynamic-tiering",
];
const USUAL_FLAGS = [
  "--no-experimental-wasm-revectorize",
  "--liftoff",
  "--wasm-lazy-compilation",
  "--wasm-dynamic-tiering",
];

/**
 * Runs `compile`, having V8 fuse neighboring 128-bit operations of what is compiled into 256-bit ones; undefined where
 * it cannot (V8 has this since Node 24, for x64). The flags are put back before this returns, so that no other module
 * of the process is affected.
 */
export function compileWide<T>(compile: () => T): T | undefined {
  const { process } = host();
  const version = Number.parseInt(process?.versions?.v8 ?? "0", 10);
  if (process?.arch !== "x64" || version < 13) return undefined;
  const v8 = builtin<{ setFlagsFromString(flags: string): void }>("node:v8");
  if (!v8) return undefined;
  try {
    for (const flag of WIDE_FLAGS) v8.setFlagsFromString(flag);
  } catch {
    return undefined; // a host that only resembles Node
  }
  try {
    return compile();
  } finally {
    USUAL_FLAGS.forEach((flag, i) => {
      if (!process.execArgv?.includes(WIDE_FLAGS[i]!)) v8.setFlagsFromString(flag);
    });
  }
}

/** Why memory cannot be shared between threads here, or undefined if it can. */
export function whyNotShared(): string | undefined {
  if (typeof SharedArrayBuffer === "undefined" || typeof Atomics === "undefined") return "no SharedArrayBuffer";
  if (builtin("node:worker_threads")) return undefined;
  if (host().process?.versions?.node) return "this Node has no process.getBuiltinModule";
  if (!host().Worker || !host().Blob) return "no workers";
  return host().crossOriginIsolated ? undefined : "the page is not cross-origin isolated";
}

/** Whether this thread may sleep in Atomics.wait: not the main thread of a browser. */
export function mayWait(cell: Int32Array): boolean {
  try {
    Atomics.wait(cell, 0, Atomics.load(cell, 0) + 1, 0);
    return true;
  } catch {
    return false;
  }
}

/** Milliseconds, monotonic. */
export function clock(): () => number {
  const { performance } = host();
  return performance ? () => performance.now() : () => 0;
}

export interface RunningWorker {
  terminate(): void;
}

/**
 * Starts a worker from source text and posts it one message. It does not keep the process alive.
 *
 * @throws whatever the host throws when it allows no workers
 */
export function startWorker(source: string, message: object, onFailure: (reason: string) => void): RunningWorker {
  const threads = builtin<{ Worker: new (source: string, options: object) => NodeWorker }>("node:worker_threads");
  if (threads) {
    const worker = new threads.Worker(source, { eval: true, workerData: message, execArgv: [], env: {} });
    worker.unref();
    worker.on("error", (error) => onFailure(error.message));
    return { terminate: () => void worker.terminate() };
  }
  const { Worker, Blob, URL } = host() as Required<Host>;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module", name: "heed" });
  worker.onerror = (event) => {
    event.preventDefault?.();
    onFailure(event.message ?? "the worker did not start");
  };
  worker.postMessage(message);
  return {
    terminate: () => {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
