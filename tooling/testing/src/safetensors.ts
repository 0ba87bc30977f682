import { readFileSync } from "node:fs";

/** Element types that the golden files use, by the names of the file format. */
const makers = {
  F32: (bytes: ArrayBuffer) => new Float32Array(bytes),
  F64: (bytes: ArrayBuffer) => new Float64Array(bytes),
  I32: (bytes: ArrayBuffer) => new Int32Array(bytes),
  I64: (bytes: ArrayBuffer) => Int32Array.from(new BigInt64Array(bytes), Number),
  U8: (bytes: ArrayBuffer) => new Uint8Array(bytes),
  BOOL: (bytes: ArrayBuffer) => new Uint8Array(bytes),
};

export type PlainArray = Float32Array | Float64Array | Int32Array | Uint8Array;

interface HeaderEntry {
  readonly dtype: keyof typeof makers;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

export interface PlainTensor {
  readonly dtype: keyof typeof makers;
  readonly shape: readonly number[];
  readonly values: PlainArray;
}

/**
 * Every tensor of a trusted safetensors file.
 *
 * Written for tests and independent of `@heed/checkpoints`, so that one can be checked against the other. It checks nothing.
 */
export function readPlainSafetensors(path: string): Map<string, PlainTensor> {
  const file = readFileSync(path);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, start)) as Record<string, HeaderEntry>;
  const tensors = new Map<string, PlainTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const make = makers[entry.dtype];
    if (!make)
      throw new Error(
        `readPlainSafetensors: ${name} in ${path} has type ${entry.dtype}, which the fixtures do not use`,
      );
    const bytes = new Uint8Array(file.subarray(start + entry.data_offsets[0], start + entry.data_offsets[1])).buffer;
    tensors.set(name, { dtype: entry.dtype, shape: entry.shape, values: make(bytes) });
  }
  return tensors;
}
