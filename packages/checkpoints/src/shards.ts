import { checkArray, type NamedArray, type NamedArrays } from "./dtype.ts";
import { CheckpointError, show } from "./errors.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { storedBytes } from "./write-safetensors.ts";

/** Default largest shard, in bytes: 5 GB, as Hugging Face has it. */
const MAX_SHARD_BYTES = 5_000_000_000;

/** Name of the file of an unsharded model. */
export const WEIGHTS_NAME = "model.safetensors";
/** Name of the index of a sharded model. */
export const INDEX_NAME = "model.safetensors.index.json";

/**
 * Splits arrays into files of at most `maxBytes` of data each, in the order of the map, as Hugging Face does: a file is
 * closed when the next array would not fit. An array larger than `maxBytes` has a file of its own.
 *
 * @param maxBytes from 1; default 5 GB
 * @returns arrays by file name: `model.safetensors` alone, or `model-00001-of-0000n.safetensors` and so on
 * @see huggingface_hub, `split_torch_state_dict_into_shards`. Differs: an array too large for a shard does not come before the ones already collected.
 * @example
 * planShards(weights, 60_000).keys(); // "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
 */
export function planShards(
  arrays: NamedArrays,
  maxBytes: number = MAX_SHARD_BYTES,
): Map<string, Map<string, NamedArray>> {
  if (!(Number.isSafeInteger(maxBytes) && maxBytes >= 1)) {
    throw new CheckpointError(
      "value",
      `planShards: maxBytes is wrong, expected an integer from 1, got ${show(maxBytes)}.`,
    );
  }
  const shards: Map<string, NamedArray>[] = [new Map()];
  let used = 0;
  for (const [name, array] of arrays) {
    checkArray("planShards", name, array);
    const bytes = storedBytes(array);
    if (used > 0 && used + bytes > maxBytes) {
      shards.push(new Map());
      used = 0;
    }
    shards.at(-1)?.set(name, array);
    used += bytes;
  }
  const number = (n: number): string => String(n).padStart(5, "0");
  const nameOf = (i: number): string =>
    shards.length === 1 ? WEIGHTS_NAME : `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
  return new Map(shards.map((shard, i) => [nameOf(i), shard]));
}

/** The index of a sharded model: the total size of its data in bytes, and the file of every array. */
export function shardIndex(shards: ReadonlyMap<string, NamedArrays>): JsonObject {
  const weightMap: Record<string, string> = {};
  let totalSize = 0;
  for (const [file, arrays] of shards) {
    for (const [name, array] of arrays) {
      weightMap[name] = file;
      totalSize += storedBytes(array);
    }
  }
  return { metadata: { total_size: totalSize }, weight_map: weightMap };
}

/**
 * The names of the arrays that an index expects in each file.
 *
 * @param path of the index, for messages
 * @throws CheckpointError `index` if the index is not of the right form or names a file outside its folder
 */
export function parseIndex(index: JsonObject, path: string): Map<string, string[]> {
  const refuse = (problem: string): CheckpointError =>
    new CheckpointError("index", `openWeights: ${path} ${problem}. The index is damaged; download or save it again.`);
  const weightMap = index["weight_map"];
  if (!isJsonObject(weightMap)) throw refuse(`has a wrong weight_map, expected an object, got ${show(weightMap)}`);
  const namesByFile = new Map<string, string[]>();
  for (const [name, file] of Object.entries(weightMap)) {
    if (!isShardName(file))
      throw refuse(
        `names a wrong file for tensor ${show(name)}, expected a .safetensors file in the same folder, got ${show(file)}`,
      );
    const names = namesByFile.get(file);
    if (names === undefined) namesByFile.set(file, [name]);
    else names.push(name);
  }
  if (namesByFile.size === 0) throw refuse("has an empty weight_map, expected at least one tensor");
  return namesByFile;
}

/** A plain file name: no path, no drive, nothing hidden, no control character. */
function isShardName(file: unknown): file is string {
  return typeof file === "string" && /^[^./\\:\p{Cc}][^/\\:\p{Cc}]*\.safetensors$/u.test(file);
}
