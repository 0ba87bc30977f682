import { type Backend, type BackendBuffer, type Kernel, kernelCounter } from "../backend.ts";
import { UnsupportedOpError } from "../errors.ts";

const accept: Kernel = () => {};

/** A kernel for every name: operations check their shapes and compute nothing. */
const everyKernel: Backend["kernels"] = new Proxy<Record<string, Kernel>>({}, { get: () => accept, has: () => true });

/**
 * Shapes without values: building a model on it counts parameters, running one checks shapes and counts operations,
 * whatever the size, in no memory. Its tensors cannot be read.
 *
 * @example
 * withBackend(createMetaBackend(), () => broadcast(zeros([1, 1]), [1_000_000, 1_000_000])).size; // 1e12
 */
export function createMetaBackend(): Backend {
  return {
    name: "meta",
    kernels: everyKernel,
    strict: true,
    supports: () => true,
    allocate: (bytes): BackendBuffer => ({ bytes }),
    free: () => {},
    write: () => {},
    read: () =>
      Promise.reject(
        new UnsupportedOpError(
          "data: backend meta has no values, expected a backend that computes. Use it for shapes only",
        ),
      ),
    view: (_, __, bytes): BackendBuffer => ({ bytes }),
    capabilities: () => ({
      dtypes: ["float32", "float64", "int32", "bool"],
      threads: 0,
      details: { kernels: "none: shapes only" },
    }),
    ...kernelCounter(),
  };
}
