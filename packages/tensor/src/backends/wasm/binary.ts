import { relaxedBinary, simdBinary } from "./binary.generated.ts";
import { compileWide, type WasmModule, webAssembly } from "./host.ts";

/** A module of one function `() => v128` whose body is `code`; an engine validates it if it knows the instructions. */
function probe(...code: readonly number[]): Uint8Array {
  const body = [0, ...code, 0x0b];
  return Uint8Array.of(
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 5, 1, 0x60, 0, 1, 0x7b],
    ...[3, 2, 1, 0],
    ...[10, body.length + 2, 1, body.length, ...body],
  );
}

const zeroVector = [0x41, 0, 0xfd, 0x11];

/** Which vector instructions the engine has. */
export function vectorSupport(): "none" | "simd" | "relaxed" {
  const wasm = webAssembly();
  if (!wasm?.validate(probe(...zeroVector))) return "none";
  return wasm.validate(probe(...zeroVector, ...zeroVector, ...zeroVector, 0xfd, 0x85, 0x02)) ? "relaxed" : "simd";
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The bytes that base64 text stands for. Hosts differ in what they offer for this. */
export function decodeBase64(text: string): Uint8Array {
  const values = new Uint8Array(128);
  for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  for (let i = 0, at = 0; i < text.length; i += 4) {
    const word =
      (values[text.charCodeAt(i)]! << 18) |
      (values[text.charCodeAt(i + 1)]! << 12) |
      (values[text.charCodeAt(i + 2)]! << 6) |
      values[text.charCodeAt(i + 3)]!;
    bytes[at++] = word >> 16;
    if (at < bytes.length) bytes[at++] = word >> 8;
    if (at < bytes.length) bytes[at++] = word;
  }
  return bytes;
}

/** Compiled kernels, and whether V8 was asked to fuse vectors. */
export interface CompiledKernels {
  readonly module: WasmModule;
  readonly wide: boolean;
}

const compiled = new Map<string, CompiledKernels>();

/** Compiles the kernels, once per kind. For memory that is shared or not: the same binary but for one bit of its memory import. */
export function compileKernels(relaxed: boolean, shared: boolean, wide: boolean): CompiledKernels {
  const key = `${relaxed} ${shared} ${wide}`;
  let kernels = compiled.get(key);
  if (!kernels) {
    const { base64, sharedFlagOffset } = relaxed ? relaxedBinary : simdBinary;
    const bytes = decodeBase64(base64);
    if (shared) bytes[sharedFlagOffset]! |= 2;
    const compile = (): WasmModule => new (webAssembly()!.Module)(bytes);
    const wideModule = wide ? compileWide(compile) : undefined;
    kernels = { module: wideModule ?? compile(), wide: wideModule !== undefined };
    compiled.set(key, kernels);
  }
  return kernels;
}
