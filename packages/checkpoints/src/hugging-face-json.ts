import { writeFileAtomic } from "./atomic.ts";
import { CheckpointError, reasonOf, show } from "./errors.ts";
import type { FileStore } from "./file-store.ts";
import { checkJson, compareCodePoints, isJsonObject, type Json, type JsonObject, parseJson } from "./json.ts";
import { fileSize, readFile } from "./store-access.ts";
import { decodeUtf8, encodeUtf8 } from "./text.ts";

/** Largest JSON file read, in bytes: far above any configuration or index, far below what would fill the memory. */
const MAX_JSON_BYTES = 100_000_000;

/** Options of {@link formatHuggingFaceJson} and {@link writeHuggingFaceJson}. */
export interface FormatJsonOptions {
  /** Keys, at any depth, whose whole numbers are written as Python floats: 0 becomes 0.0. Default none. */
  readonly floatKeys?: Iterable<string>;
}

/**
 * JSON text as Hugging Face writes `config.json` and index files, which is Python's
 * `json.dumps(value, indent=2, sort_keys=True) + "\n"`: keys sorted by code point, two spaces, ASCII only, numbers as Python
 * prints them (1e-05, not 0.00001).
 *
 * @param value finite numbers, strings, booleans, null, arrays and plain objects
 * @param options.floatKeys keys whose whole numbers get a ".0"; JavaScript cannot tell 0.0 from 0
 * @throws CheckpointError `value` if JSON cannot hold the value
 * @example
 * formatHuggingFaceJson({ n_layer: 2, layer_norm_epsilon: 0.00001 }); // '{\n  "layer_norm_epsilon": 1e-05,\n  "n_layer": 2\n}\n'
 */
export function formatHuggingFaceJson(value: Json, options: FormatJsonOptions = {}): string {
  checkJson("formatHuggingFaceJson", "value", value);
  return `${format(value, "\n", new Set(options.floatKeys), false)}\n`;
}

function format(value: Json, newline: string, floatKeys: ReadonlySet<string>, isFloat: boolean): string {
  const inner = `${newline}  `;
  if (typeof value === "string") return quoteAscii(value);
  if (typeof value === "number") return formatNumber(value, isFloat);
  if (value === null || typeof value === "boolean") return String(value);
  const wrap = (open: string, items: readonly string[], close: string): string =>
    items.length === 0 ? open + close : `${open}${inner}${items.join(`,${inner}`)}${newline}${close}`;
  if (!isJsonObject(value))
    return wrap(
      "[",
      value.map((item) => format(item, inner, floatKeys, isFloat)),
      "]",
    );
  const keys = Object.keys(value).sort(compareCodePoints);
  return wrap(
    "{",
    keys.map((key) => `${quoteAscii(key)}: ${format(value[key] ?? null, inner, floatKeys, floatKeys.has(key))}`),
    "}",
  );
}

function quoteAscii(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Python's `repr` of an int or a float: an exponent below 1e-4 and, for floats, from 1e16 on. */
function formatNumber(value: number, isFloat: boolean): string {
  if (Number.isInteger(value) && !Object.is(value, -0) && !isFloat) return BigInt(value).toString();
  const [digits = "", exponent = "0"] = Math.abs(value).toExponential().split("e");
  const power = Number(exponent);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (value !== 0 && (power < -4 || power >= 16)) {
    return `${sign}${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  const plain = power < 0 ? `0.${"0".repeat(-power - 1)}${digits.replace(".", "")}` : String(Math.abs(value));
  return sign + (plain.includes(".") ? plain : `${plain}.0`);
}

/**
 * Reads a JSON file that holds an object, such as `config.json` or `generation_config.json`.
 *
 * @param path in the store
 * @throws CheckpointError `missing` if there is no such file; `json` if it is not UTF-8, not JSON, not an object, has
 *   duplicate keys or is nested more than 64 deep
 * @example
 * const config = await readJsonFile(store, "model/config.json");
 */
export async function readJsonFile(store: FileStore, path: string): Promise<JsonObject> {
  const size = await fileSize(store, path, "readJsonFile");
  if (size > MAX_JSON_BYTES)
    throw jsonError(path, `is too large, expected at most ${MAX_JSON_BYTES} bytes, got ${size}`);
  return parseJsonFile(await readFile(store, path, "readJsonFile"), path);
}

/** The object in the bytes of a JSON file. */
export function parseJsonFile(bytes: Uint8Array, path: string): JsonObject {
  const text = decodeUtf8(bytes);
  if (text === undefined) throw jsonError(path, "is not valid UTF-8");
  let value: Json;
  try {
    value = parseJson(text);
  } catch (error) {
    throw jsonError(path, `is not valid JSON: ${reasonOf(error)}`);
  }
  if (!isJsonObject(value)) throw jsonError(path, `holds something else, expected an object, got ${show(value)}`);
  return value;
}

function jsonError(path: string, problem: string): CheckpointError {
  return new CheckpointError("json", `readJsonFile: ${path} ${problem}. Correct the file or save it again.`);
}

/**
 * Writes a JSON file as Hugging Face does, in one step: see {@link formatHuggingFaceJson} and {@link writeFileAtomic}.
 *
 * @param options.floatKeys keys whose whole numbers are written as Python floats
 * @example
 * await writeHuggingFaceJson(store, "model/config.json", { model_type: "gpt2", n_layer: 2 });
 */
export async function writeHuggingFaceJson(
  store: FileStore,
  path: string,
  value: JsonObject,
  options: FormatJsonOptions = {},
): Promise<void> {
  await writeFileAtomic(store, path, [encodeUtf8(formatHuggingFaceJson(value, options))]);
}
