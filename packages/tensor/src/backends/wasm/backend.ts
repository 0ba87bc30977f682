import type { Backend } from "../../backend.ts";

/** Placeholder until the kernels land: no WebAssembly backend, so the reference kernels serve. */
export function createWasmBackend(): Backend | undefined {
  return undefined;
}
