import { byteSize, checkArray, DTYPES, encodeValues, type NamedArray, type NamedArrays } from "./dtype.ts";
import { CheckpointError, show } from "./errors.ts";
import { MAX_HEADER_BYTES } from "./header.ts";
import { compareCodePoints, isWellFormed } from "./json.ts";
import { concatBytes, encodeUtf8 } from "./text.ts";

/** Options of the writers. */
export interface WriteOptions {
  /** The `__metadata__` strings; default `{ format: "pt" }`, which Hugging Face loaders ask for. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes arrays as one safetensors file, byte for byte as the reference implementation does: tensors by element type
 * (widest first) and then by name, the header padded with spaces to a multiple of 8 bytes. The same arrays give the same
 * bytes in whatever order they are added.
 *
 * DTypes: all of {@link DTYPES}; float32 values marked F16 or BF16 are rounded to nearest, ties to even.
 * Cost: one pass over the data; the result is a copy. {@link encodeSafetensors} gives the same bytes in pieces.
 *
 * @param options.metadata `__metadata__` strings, written sorted by key; default `{ format: "pt" }`
 * @throws CheckpointError `value` if an array or the metadata cannot be stored
 * @see https://github.com/huggingface/safetensors, `prepare` of its Rust crate. Differs: metadata keys are sorted, there they come in hash order.
 * @example
 * const bytes = writeSafetensors(new Map([["bias", { dtype: "F32", shape: [2], values: new Float32Array([1, 2]) }]]));
 */
export function writeSafetensors(arrays: NamedArrays, options: WriteOptions = {}): Uint8Array {
  return concatBytes(encodeSafetensors(arrays, options));
}

/**
 * The bytes of {@link writeSafetensors} in pieces: the header, then one piece a tensor, so that a large file needs no
 * second copy in memory. Pieces of unconverted arrays share their memory: use each before changing the array.
 *
 * Arguments are checked at once, before the first piece is asked for.
 */
export function encodeSafetensors(arrays: NamedArrays, options: WriteOptions = {}): Iterable<Uint8Array> {
  const sorted = [...arrays].sort(([nameA, a], [nameB, b]) => rank(b) - rank(a) || compareCodePoints(nameA, nameB));
  const header = encodeHeader(sorted, options.metadata ?? { format: "pt" });
  return {
    *[Symbol.iterator]() {
      yield header;
      for (const [, array] of sorted) yield encodeValues(array);
    },
  };
}

/** Bytes that `array` takes in a file. */
export function storedBytes(array: NamedArray): number {
  return array.values.length * byteSize(array.dtype);
}

function rank(array: NamedArray): number {
  return DTYPES.indexOf(array.dtype);
}

function encodeHeader(
  sorted: readonly (readonly [string, NamedArray])[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const members: string[] = [];
  const keys = Object.keys(metadata).sort(compareCodePoints);
  const strings = keys.map((key) => {
    const value: unknown = metadata[key];
    if (typeof value !== "string")
      throw new CheckpointError(
        "value",
        `writeSafetensors: metadata ${show(key)} has a wrong value, expected a string, got ${show(value)}. Convert it to text.`,
      );
    return `${quote(key)}:${quote(value)}`;
  });
  if (keys.length > 0) members.push(`"__metadata__":{${strings.join(",")}}`);
  let offset = 0;
  for (const [name, array] of sorted) {
    checkArray("writeSafetensors", name, array);
    if (name === "__metadata__")
      throw new CheckpointError(
        "value",
        'writeSafetensors: a tensor is called "__metadata__", expected another name, because the format reserves it. Rename the tensor.',
      );
    const end = offset + storedBytes(array);
    members.push(
      `${quote(name)}:{"dtype":"${array.dtype}","shape":${JSON.stringify(array.shape)},"data_offsets":[${offset},${end}]}`,
    );
    offset = end;
  }
  return framed(encodeUtf8(`{${members.join(",")}}`));
}

/** `text` as a JSON string, escaped as the reference does. */
function quote(text: string): string {
  if (isWellFormed(text)) return JSON.stringify(text);
  throw new CheckpointError(
    "value",
    `writeSafetensors: the string ${show(text)} has an unpaired surrogate, expected valid Unicode in names and metadata. Rename it.`,
  );
}

/** The length, the header, and spaces up to a multiple of eight bytes. */
function framed(json: Uint8Array): Uint8Array {
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    throw new CheckpointError(
      "value",
      `writeSafetensors: the header is too long, expected at most ${MAX_HEADER_BYTES} bytes, got ${length}. Save fewer tensors in one file.`,
    );
  }
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}
