import type { Backend } from "./backend.ts";
import { createReferenceBackend } from "./backends/reference.ts";
import { createWasmBackend } from "./backends/wasm/backend.ts";
import { engine } from "./engine.ts";

let reference: Backend | undefined;

/** The one shared reference backend. */
export function referenceBackend(): Backend {
  return (reference ??= createReferenceBackend());
}

/**
 * The backend that new tensors are made on: the one set by `useBackend`, else WebAssembly, else (without WebAssembly
 * SIMD) the reference kernels. Made on first use.
 */
export function currentBackend(): Backend {
  return (engine.backend ??= createWasmBackend() ?? referenceBackend());
}

/** Sets the backend that new tensors are made on; returns the one before. */
export function useBackend(backend: Backend): Backend | undefined {
  const before = engine.backend;
  engine.backend = backend;
  return before;
}

/** Runs `f` with another backend for new tensors. */
export function withBackend<T>(backend: Backend, f: () => T): T {
  const before = useBackend(backend);
  try {
    return f();
  } finally {
    engine.backend = before;
  }
}
