import { byteSize, countElements, DTYPES, type DType, isDType } from "./dtype.ts";
import { CheckpointError, type CheckpointErrorCode, reasonOf, show } from "./errors.ts";
import { compareCodePoints, isJsonObject, type Json, type JsonObject, parseJson } from "./json.ts";
import { decodeUtf8 } from "./text.ts";

/** Longest header accepted, in bytes: the limit of the reference implementation. */
export const MAX_HEADER_BYTES = 100_000_000;

/** What a header says about one tensor. `begin` and `end` count bytes from the start of the file. */
export interface TensorEntry {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** The checked header of one safetensors file. */
export interface SafetensorsHeader {
  /** By name, in the order in which the data lies in the file. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** The `__metadata__` strings; empty if there are none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Names the function and the file in every message of one read. */
export interface ReadContext {
  readonly caller: string;
  readonly file: string;
}

function fault(context: ReadContext, code: CheckpointErrorCode, problem: string): CheckpointError {
  const advice =
    code === "dtype"
      ? "Convert the tensor to one of these"
      : "The file is damaged or not a safetensors file; download or save it again";
  return new CheckpointError(code, `${context.caller}: ${context.file} ${problem}. ${advice}.`);
}

/**
 * The length of the header from the first eight bytes of a file.
 *
 * @param prefix the first eight bytes, fewer if the file is shorter
 * @param fileSize in bytes
 */
export function readHeaderLength(prefix: Uint8Array, fileSize: number, context: ReadContext): number {
  if (prefix.length < 8)
    throw fault(context, "truncated", `is too short, expected at least 8 bytes, got ${prefix.length}`);
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw fault(
      context,
      "header",
      `announces too long a header, expected at most ${MAX_HEADER_BYTES} bytes, got ${length}`,
    );
  }
  if (Number(length) > fileSize - 8) {
    throw fault(
      context,
      "truncated",
      `announces a header longer than itself, expected at most ${fileSize - 8} bytes, got ${length}`,
    );
  }
  return Number(length);
}

/**
 * Checks a header as the format's documentation and reference implementation do, and more strictly: duplicate and
 * unknown keys, numbers that are not plain integers and nesting are refused, and the tensors must fill the data section
 * without holes or overlap, up to the last byte.
 *
 * Cost: O(n log n) for n tensors; nothing is allocated by the sizes that the header claims.
 *
 * @param bytes of the header alone
 * @param fileSize in bytes
 * @see https://github.com/huggingface/safetensors, section Format, and `Metadata::validate` of its Rust crate.
 *   Differs: duplicate keys, unknown keys and a null `__metadata__` are errors there only in part.
 */
export function parseHeader(bytes: Uint8Array, fileSize: number, context: ReadContext): SafetensorsHeader {
  const header = headerObject(bytes, context);
  let metadata: Readonly<Record<string, string>> = {};
  const claims: [string, TensorEntry][] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") metadata = checkMetadata(value, context);
    else claims.push([name, checkEntry(name, value, 8 + bytes.length, context)]);
  }
  claims.sort(([nameA, a], [nameB, b]) => a.begin - b.begin || a.end - b.end || compareCodePoints(nameA, nameB));
  checkLayout(claims, 8 + bytes.length, fileSize, context);
  return { entries: new Map(claims), metadata };
}

function headerObject(bytes: Uint8Array, context: ReadContext): JsonObject {
  if (bytes[0] !== 0x7b) {
    throw fault(
      context,
      "header",
      `has a header that starts wrongly, expected "{", got ${bytes.length === 0 ? "an empty header" : `byte ${bytes[0]}`}`,
    );
  }
  const text = decodeUtf8(bytes);
  if (text === undefined) throw fault(context, "header", "has a header that is not valid UTF-8");
  try {
    const header = parseJson(text, { maxDepth: 3, countsOnly: true });
    return isJsonObject(header) ? header : {};
  } catch (error) {
    throw fault(context, "header", `has a header that is not valid: ${reasonOf(error)}`);
  }
}

function checkMetadata(value: Json, context: ReadContext): Readonly<Record<string, string>> {
  const isStrings = (object: JsonObject): object is Readonly<Record<string, string>> =>
    Object.values(object).every((item) => typeof item === "string");
  if (!isJsonObject(value) || !isStrings(value)) {
    throw fault(context, "header", `has a wrong __metadata__, expected an object of strings, got ${show(value)}`);
  }
  return value;
}

function checkEntry(name: string, value: Json, dataStart: number, context: ReadContext): TensorEntry {
  const refuse = (code: CheckpointErrorCode, problem: string): CheckpointError =>
    fault(context, code, `describes tensor ${show(name)} wrongly: ${problem}`);
  if (!isJsonObject(value)) throw refuse("header", `expected an object, got ${show(value)}`);
  const unknown = Object.keys(value).find((key) => key !== "dtype" && key !== "shape" && key !== "data_offsets");
  if (unknown !== undefined)
    throw refuse("header", `unknown key, expected dtype, shape and data_offsets, got ${show(unknown)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDType(dtype)) throw refuse("dtype", `unknown dtype, expected one of ${DTYPES.join(", ")}, got ${show(dtype)}`);
  if (!isCounts(shape)) throw refuse("header", `wrong shape, expected an array of integers, got ${show(shape)}`);
  const [begin, end] = isCounts(offsets) ? offsets : [];
  if (!isCounts(offsets) || offsets.length !== 2 || begin === undefined || end === undefined) {
    throw refuse("header", `wrong data_offsets, expected two integers, got ${show(offsets)}`);
  }
  const bytes = (countElements(shape) ?? NaN) * byteSize(dtype);
  if (!Number.isSafeInteger(bytes))
    throw refuse("offsets", `size overflow, expected less than 2^53 bytes, got shape ${show(shape)} of ${dtype}`);
  if (end - begin !== bytes) {
    throw refuse(
      "offsets",
      `data_offsets disagree with shape ${show(shape)} of ${dtype}, expected ${bytes} bytes, got ${end - begin} (${show(offsets)})`,
    );
  }
  return { dtype, shape, begin: dataStart + begin, end: dataStart + end };
}

/** The parser was told to accept no other numbers than counts. */
function isCounts(value: Json | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}

/** `claims` in order of their offsets must follow each other from the first byte of the data to the last of the file. */
function checkLayout(
  claims: readonly (readonly [string, TensorEntry])[],
  dataStart: number,
  fileSize: number,
  context: ReadContext,
): void {
  let next = dataStart;
  for (const [name, { begin, end }] of claims) {
    if (begin !== next) {
      const what = begin < next ? "overlaps the one before" : "leaves a hole before it";
      throw fault(
        context,
        "offsets",
        `has a data section that is not contiguous: tensor ${show(name)} ${what}, expected its data at ${next - dataStart}, got ${begin - dataStart}`,
      );
    }
    next = end;
  }
  if (next > fileSize)
    throw fault(context, "truncated", `is cut short, expected ${next} bytes (from its header), got ${fileSize}`);
  if (next < fileSize)
    throw fault(
      context,
      "offsets",
      `has bytes after its last tensor, expected ${next} bytes (from its header), got ${fileSize}`,
    );
}
