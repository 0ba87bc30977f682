/**
 * What kind of fault a {@link CheckpointError} reports.
 *
 * - `truncated`: the file or folder ends before what it announces
 * - `header`: the header is not the JSON the format asks for
 * - `dtype`: an element type that is unknown, or not the one asked for
 * - `offsets`: byte ranges that overlap, leave holes, disagree with the shape or leave the file
 * - `json`: a JSON file that is not valid, has duplicate keys or is nested too deeply
 * - `index`: an index file that disagrees with its shards, or names a path outside its folder
 * - `missing`: a file or tensor that is not there
 * - `value`: an argument or value that cannot be stored or converted
 * - `damaged`: content that does not match its recorded checksum
 * - `version`: a snapshot of another format version
 * - `storage`: the file system refused (disk full, no permission, ...)
 */
export type CheckpointErrorCode =
  | "truncated"
  | "header"
  | "dtype"
  | "offsets"
  | "json"
  | "index"
  | "missing"
  | "value"
  | "damaged"
  | "version"
  | "storage";

/**
 * The one error type this package throws. Its message names the function, the file or tensor, what was expected, what
 * was found and what to do. Tell it by `code`, or across two installed copies by {@link isCheckpointError}.
 */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
  /** The kind of fault, for programs. */
  readonly code: CheckpointErrorCode;

  constructor(code: CheckpointErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Whether `error` is a {@link CheckpointError}, also one thrown by another installed copy of this package.
 *
 * @example
 * isCheckpointError(new CheckpointError("missing", "readWeights: ...")); // true
 */
export function isCheckpointError(error: unknown): error is CheckpointError {
  return error instanceof Error && error.name === "CheckpointError" && "code" in error;
}

/** The text of anything thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `value` as it appears in a message: JSON where there is one, cut to a readable length. */
export function show(value: unknown): string {
  let text: string;
  if (typeof value === "string") text = JSON.stringify(value);
  else if (typeof value === "bigint") text = `${value}n`;
  else if (value !== null && typeof value === "object") text = showObject(value);
  else text = String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function showObject(value: object): string {
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  if (value instanceof Map) return "a Map";
  try {
    return JSON.stringify(value) ?? "an object";
  } catch {
    return "an object"; // cyclic, or holding a bigint
  }
}
