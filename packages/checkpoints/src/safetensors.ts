import { decodeValues, type NamedArray } from "./dtype.ts";
import { CheckpointError, show } from "./errors.ts";
import { parseHeader, type ReadContext, readHeaderLength, type SafetensorsHeader, type TensorEntry } from "./header.ts";
import { readExactly, type Source } from "./source.ts";

/** The whole content of a safetensors file in memory. */
export interface Safetensors {
  /** By name, in the order in which the data lies in the file. */
  readonly arrays: Map<string, NamedArray>;
  /** The `__metadata__` strings; empty if there are none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A safetensors file whose header is read and checked, and whose tensors are read one by one. */
export interface SafetensorsFile extends SafetensorsHeader {
  /**
   * Reads one tensor.
   *
   * @throws CheckpointError `missing` if there is none of that name, `truncated` if the source gives too few bytes
   */
  read(name: string): Promise<NamedArray>;
}

/** Options of the readers. */
export interface ReadOptions {
  /** What messages call the file; default "the file". */
  readonly file?: string;
}

/**
 * Reads a safetensors file that is in memory.
 *
 * Every value is a copy, so `bytes` may be changed or dropped afterwards. The header is checked before anything is
 * allocated: see {@link openSafetensors} for what is refused.
 *
 * DTypes: BOOL U8 I8 I16 U16 F16 BF16 I32 U32 F32 F64 I64 U64; see {@link NamedArray} for what each becomes.
 * Cost: one pass over the data.
 *
 * @param bytes the whole file
 * @throws CheckpointError `truncated`, `header`, `dtype` or `offsets`, naming the tensor
 * @example
 * const { arrays, metadata } = readSafetensors(bytes);
 * const weight = arrays.get("transformer.wte.weight"); // { dtype: "F32", shape: [50257, 768], values: Float32Array }
 */
export function readSafetensors(bytes: Uint8Array, options: ReadOptions = {}): Safetensors {
  return readShared(bytes, { caller: "readSafetensors", file: options.file ?? "the file" }, (begin, end) =>
    bytes.slice(begin, end),
  );
}

/** As {@link readSafetensors}, but values that need no conversion share the memory of `bytes`, which the caller gives away. */
export function readOwned(bytes: Uint8Array, context: ReadContext): Safetensors {
  return readShared(bytes, context, (begin, end) => bytes.subarray(begin, end));
}

function readShared(
  bytes: Uint8Array,
  context: ReadContext,
  cut: (begin: number, end: number) => Uint8Array,
): Safetensors {
  const length = readHeaderLength(bytes.subarray(0, 8), bytes.length, context);
  const header = parseHeader(bytes.subarray(8, 8 + length), bytes.length, context);
  const arrays = new Map<string, NamedArray>();
  for (const [name, entry] of header.entries) arrays.set(name, toArray(entry, cut(entry.begin, entry.end)));
  return { arrays, metadata: header.metadata };
}

/**
 * Reads and checks the header of a safetensors file; its tensors are then read one at a time.
 *
 * Refused: a header longer than 100 MB or than the file, one that does not start with "{", is not UTF-8 or not JSON, has
 * duplicate or unknown keys, other numbers than plain integers or deeper nesting than the format has; metadata that is
 * not text; unknown element types; byte ranges that overflow, overlap, leave holes, disagree with shape and element
 * type, or do not end with the file.
 *
 * Cost: the header only; each `read` is one read of the source.
 *
 * @param source gives the bytes, for example a file opened by `nodeFileStore().open(path)`
 * @throws CheckpointError `truncated`, `header`, `dtype` or `offsets`, naming the tensor
 * @example
 * const file = await openSafetensors(source, { file: "model.safetensors" });
 * const weight = await file.read("transformer.wte.weight");
 */
export async function openSafetensors(source: Source, options: ReadOptions = {}): Promise<SafetensorsFile> {
  const context = { caller: "openSafetensors", file: options.file ?? "the file" };
  const prefix = await readExactly(context.caller, source, 0, Math.min(8, source.size), context.file);
  const length = readHeaderLength(prefix, source.size, context);
  const header = parseHeader(await readExactly(context.caller, source, 8, length, context.file), source.size, context);
  return {
    ...header,
    read: async (name) => {
      const entry = header.entries.get(name);
      if (entry === undefined) throw missingTensor("read", name, context.file, header.entries.keys());
      return toArray(entry, await readExactly("read", source, entry.begin, entry.end - entry.begin, context.file));
    },
  };
}

/** The error for a tensor that is not there, listing a few that are. */
export function missingTensor(caller: string, name: string, file: string, names: Iterable<string>): CheckpointError {
  const some = [...names];
  const list =
    some.length === 0
      ? "none"
      : `${some.slice(0, 5).map(show).join(", ")}${some.length > 5 ? `, ... (${some.length})` : ""}`;
  return new CheckpointError(
    "missing",
    `${caller}: tensor ${show(name)} is not in ${file}, expected one of its tensors: ${list}. Check the name map of the model.`,
  );
}

function toArray(entry: TensorEntry, bytes: Uint8Array): NamedArray {
  // The row of the table that made the values is the one the dtype names, which the type system cannot follow.
  return { dtype: entry.dtype, shape: entry.shape, values: decodeValues(entry.dtype, bytes) } as NamedArray;
}
