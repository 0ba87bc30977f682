import { type Backend, type BackendBuffer, kernelCounter } from "../backend.ts";
import { type DType, type TypedArray, viewArray } from "../types.ts";

interface HostBuffer extends BackendBuffer {
  readonly memory: ArrayBuffer;
  readonly byteOffset: number;
}

const host = (buffer: BackendBuffer) => buffer as HostBuffer;

const view = (buffer: BackendBuffer, dtype: DType, length: number): TypedArray =>
  viewArray(dtype, host(buffer).memory, host(buffer).byteOffset, length);

/**
 * Plain JavaScript on plain arrays: every operation runs its reference kernel. The definition of right, the only
 * backend with float64, and the fallback where WebAssembly SIMD is missing.
 */
export function createReferenceBackend(): Backend {
  return {
    name: "reference",
    kernels: {},
    strict: false,
    supports: () => true,
    allocate: (bytes): HostBuffer => ({ bytes, memory: new ArrayBuffer(bytes), byteOffset: 0 }),
    free: () => {},
    write: (buffer, values) =>
      new Uint8Array(host(buffer).memory, host(buffer).byteOffset).set(
        new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      ),
    read: async (buffer, dtype, length) => view(buffer, dtype, length).slice(),
    readSync: (buffer, dtype, length) => view(buffer, dtype, length).slice(),
    hostView: view,
    view: (buffer, byteOffset, bytes): HostBuffer => ({
      bytes,
      memory: host(buffer).memory,
      byteOffset: host(buffer).byteOffset + byteOffset,
    }),
    capabilities: () => ({
      dtypes: ["float32", "float64", "int32", "bool"],
      threads: 1,
      details: { kernels: "plain JavaScript" },
    }),
    ...kernelCounter(),
  };
}
