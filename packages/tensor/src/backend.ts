import type { DType, Shape, TypedArray } from "./types.ts";

/** Storage owned by a backend. Only the backend that made it looks inside. */
export interface BackendBuffer {
  readonly bytes: number;
}

/** A tensor as a kernel sees it: contiguous, row-major. */
export interface Operand {
  readonly buffer: BackendBuffer;
  readonly shape: Shape;
  readonly dtype: DType;
}

/**
 * Computes outputs from inputs. Outputs are allocated by the caller and hold arbitrary bytes: write every element.
 * An output is undefined where nobody needs it (a gradient of a constant).
 * Returning `false` means "not for these shapes or types": the reference kernel runs instead and the report says so.
 */
export type Kernel = (
  inputs: readonly Operand[],
  outputs: readonly (Operand | undefined)[],
  attributes: Readonly<Record<string, unknown>>,
) => boolean | void;

/** How often which kernel ran an operation since the last `resetReport`. */
export interface KernelReport {
  readonly op: string;
  readonly kernel: string;
  readonly calls: number;
}

/** What a backend can do on this machine, for people to read. */
export interface BackendCapabilities {
  readonly dtypes: readonly DType[];
  /** Threads that compute, the calling one included. */
  readonly threads: number;
  /** Named facts, such as `{ simd: "relaxed", threads: "2, shared memory" }`. */
  readonly details: Readonly<Record<string, string>>;
}

/**
 * Where tensors live and operations run.
 *
 * A backend implements storage and as many kernels as it likes, by operation name. A primitive without a kernel
 * runs its reference kernel on `hostView` (or on copies through `readSync` and `write`); a fused operation without
 * a kernel runs as its composition. In strict mode the first of these is an error instead.
 */
export interface Backend {
  readonly name: string;
  readonly kernels: Readonly<Record<string, Kernel>>;
  readonly strict: boolean;
  supports(dtype: DType): boolean;
  /** Storage for `bytes` bytes, contents arbitrary. Zero bytes are allowed. */
  allocate(bytes: number): BackendBuffer;
  free(buffer: BackendBuffer): void;
  /** Copies `values` into the start of the buffer. */
  write(buffer: BackendBuffer, values: TypedArray): void;
  /** A copy of the first `length` elements. */
  read(buffer: BackendBuffer, dtype: DType, length: number): Promise<TypedArray>;
  /** As `read`, at once; absent where the device cannot. */
  readSync?(buffer: BackendBuffer, dtype: DType, length: number): TypedArray;
  /** The buffer's own memory as an array, valid until the next allocation; absent where the host cannot see it. */
  hostView?(buffer: BackendBuffer, dtype: DType, length: number): TypedArray;
  /** A part of a buffer as a buffer, sharing memory. The caller keeps the whole alive and never frees the part. */
  view?(buffer: BackendBuffer, byteOffset: number, bytes: number): BackendBuffer;
  capabilities(): BackendCapabilities;
  /** Counts a kernel run; called by the engine. */
  count(op: string, kernel: string): void;
  report(): readonly KernelReport[];
  resetReport(): void;
}

/** The counting half of a backend, shared by all of them. */
export function kernelCounter(): Pick<Backend, "count" | "report" | "resetReport"> {
  const calls = new Map<string, { op: string; kernel: string; calls: number }>();
  return {
    count(op, kernel) {
      const key = `${op} ${kernel}`;
      const entry = calls.get(key);
      if (entry) entry.calls++;
      else calls.set(key, { op, kernel, calls: 1 });
    },
    report: () => [...calls.values()].map((entry) => ({ ...entry })),
    resetReport: () => calls.clear(),
  };
}
