import { Buffer } from "node:buffer";
import { seededNumbers } from "@heed/test-tools";
import type { Kernel, Operand } from "../../src/backend.ts";
import { createWasmBackend, type WasmBackend, type WasmBackendOptions } from "../../src/backends/wasm/backend.ts";
import { vectorSupport } from "../../src/backends/wasm/binary.ts";

/** A backend of its own that tests close when done. */
export function makeBackend(options: WasmBackendOptions = {}): WasmBackend {
  const backend = createWasmBackend(options);
  if (!backend) throw new Error("this engine has no WebAssembly SIMD, expected one that has");
  return backend;
}

/** The ways to compile: without fused multiply-add, with it, and with 256-bit vectors. All that the engine has. */
export const builds: readonly { readonly name: string; readonly options: WasmBackendOptions }[] = [
  { name: "simd", options: { relaxed: false } },
  ...(vectorSupport() === "relaxed"
    ? [
        { name: "relaxed", options: { relaxed: true } },
        { name: "wide", options: { relaxed: true, wide: true } },
      ]
    : []),
];

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, axis) => size * axis, 1);

export function numbers(seed: number, count: number): Float32Array {
  const next = seededNumbers(seed);
  return Float32Array.from({ length: count }, () => next() * 2 - 1);
}

/** A buffer that holds `values`, or float32 NaN where a kernel is to write. Bytes are bool. */
export function operand(
  backend: WasmBackend,
  shape: readonly number[],
  values: Float32Array | Int32Array | Uint8Array = new Float32Array(sizeOf(shape)).fill(Number.NaN),
): Operand {
  const buffer = backend.allocate(values.byteLength);
  backend.write(buffer, values);
  const dtype = values instanceof Float32Array ? "float32" : values instanceof Int32Array ? "int32" : "bool";
  return { buffer, shape, dtype };
}

export function valuesOf(backend: WasmBackend, x: Operand): Float32Array {
  return backend.readSync?.(x.buffer, "float32", sizeOf(x.shape)) as Float32Array;
}

export function kernel(backend: WasmBackend, name: string): Kernel {
  const found = backend.kernels[name];
  if (!found) throw new Error(`no kernel ${name}`);
  return found;
}

/** Whether two arrays hold the same bytes: signs of zero and NaN included. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  const bytes = (x: Float32Array) => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
  return bytes(a).equals(bytes(b));
}
