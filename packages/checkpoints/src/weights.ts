import { writeFileAtomic } from "./atomic.ts";
import type { FloatDType, NamedArray, NamedArrays } from "./dtype.ts";
import { withFloatDType } from "./dtype.ts";
import { CheckpointError, show } from "./errors.ts";
import { type FileStore, joinPath, type OpenSource } from "./file-store.ts";
import type { TensorEntry } from "./header.ts";
import { readJsonFile, writeHuggingFaceJson } from "./hugging-face-json.ts";
import { missingTensor, openSafetensors, type SafetensorsFile } from "./safetensors.ts";
import { INDEX_NAME, parseIndex, planShards, shardIndex, WEIGHTS_NAME } from "./shards.ts";
import { listFolder, openFile, removePath, sizeOf } from "./store-access.ts";
import { encodeSafetensors } from "./write-safetensors.ts";

/** The weights in a folder, in one file or several; each tensor is read when asked for. */
export interface WeightFiles {
  /** What the headers say, by tensor name, file after file. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** File names without folder, in order. */
  readonly files: readonly string[];
  /** Reads one tensor. @throws CheckpointError `missing` if there is none of that name */
  read(name: string): Promise<NamedArray>;
  /** Closes the files. */
  close(): Promise<void>;
}

/**
 * Opens the weights of a Hugging Face folder: `model.safetensors`, or else the shards that
 * `model.safetensors.index.json` names. All headers are read and checked, the data is not; call `close` in the end.
 *
 * @param folder in the store
 * @throws CheckpointError `missing` if there are no weights or a shard is absent; `index` if index and shards disagree, or
 *   a shard's name is a path; and those of {@link openSafetensors}
 * @example
 * const weights = await openWeights(store, "model");
 * const embedding = await weights.read("transformer.wte.weight");
 * await weights.close();
 */
export async function openWeights(store: FileStore, folder: string): Promise<WeightFiles> {
  const expected = await listShards(store, folder);
  const opened: OpenSource[] = [];
  const close = async (): Promise<void> => {
    for (const source of opened) await source.close();
  };
  try {
    const owners = new Map<string, SafetensorsFile>();
    const entries = new Map<string, TensorEntry>();
    for (const [name, tensors] of expected) {
      const file = await openShard(store, joinPath(folder, name), opened);
      if (tensors !== undefined) checkShard(joinPath(folder, name), file, tensors);
      for (const [tensor, entry] of file.entries) {
        owners.set(tensor, file);
        entries.set(tensor, entry);
      }
    }
    const read = async (name: string): Promise<NamedArray> => {
      const owner = owners.get(name);
      if (owner === undefined) throw missingTensor("openWeights", name, folder, owners.keys());
      return owner.read(name);
    };
    return { entries, files: [...expected.keys()], read, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The files with the tensors that the index expects in each; undefined for an unsharded model, which has no index. */
async function listShards(store: FileStore, folder: string): Promise<Map<string, string[] | undefined>> {
  const isThere = async (name: string): Promise<boolean> =>
    (await sizeOf(store, joinPath(folder, name), "openWeights")) !== null;
  if (await isThere(WEIGHTS_NAME)) return new Map([[WEIGHTS_NAME, undefined]]);
  const index = joinPath(folder, INDEX_NAME);
  if (await isThere(INDEX_NAME)) return parseIndex(await readJsonFile(store, index), index);
  const found = (await listFolder(store, folder, "openWeights")).sort();
  const list = found.length === 0 ? "an empty or absent folder" : found.slice(0, 8).map(show).join(", ");
  throw new CheckpointError(
    "missing",
    `openWeights: ${folder || "the folder"} has no weights, expected ${WEIGHTS_NAME} or ${INDEX_NAME}, got ${list}. Check the path; convert other formats to safetensors first.`,
  );
}

async function openShard(store: FileStore, path: string, opened: OpenSource[]): Promise<SafetensorsFile> {
  const source = await openFile(store, path, "openWeights");
  opened.push(source);
  return openSafetensors(source, { file: path });
}

function checkShard(path: string, file: SafetensorsFile, tensors: readonly string[]): void {
  const refuse = (problem: string): CheckpointError =>
    new CheckpointError(
      "index",
      `openWeights: ${path} ${problem}. Index and shards do not belong together; download or save them again.`,
    );
  const absent = tensors.find((name) => !file.entries.has(name));
  if (absent !== undefined) throw refuse(`lacks tensor ${show(absent)}, which ${INDEX_NAME} expects in it`);
  const listed = new Set(tensors);
  const extra = [...file.entries.keys()].find((name) => !listed.has(name));
  if (extra !== undefined) throw refuse(`holds tensor ${show(extra)}, which ${INDEX_NAME} does not list for it`);
}

/**
 * Reads all weights of a Hugging Face folder: see {@link openWeights}.
 *
 * @example
 * const weights = await readWeights(nodeFileStore(), "model");
 */
export async function readWeights(store: FileStore, folder: string): Promise<Map<string, NamedArray>> {
  const weights = await openWeights(store, folder);
  try {
    const arrays = new Map<string, NamedArray>();
    for (const name of weights.entries.keys()) arrays.set(name, await weights.read(name));
    return arrays;
  } finally {
    await weights.close();
  }
}

/** Options of {@link writeWeights}. */
export interface WriteWeightsOptions {
  /** Write F32, F16 and BF16 arrays as this type; default: as each says. */
  readonly dtype?: FloatDType;
  /** Most bytes of data in one file, from 1; default 5 GB. */
  readonly maxShardBytes?: number;
}

/**
 * Writes the weights of a Hugging Face folder: `model.safetensors`, or shards with their index where they are larger than
 * `maxShardBytes`. Weight files of an earlier save that no longer belong are removed in the end.
 *
 * Each file is written in one step (see {@link writeFileAtomic}), the index after its shards. One file replaces one file
 * safely; a crash while shards replace shards of the same number can leave some old and some new, so write a sharded
 * model into a new folder.
 *
 * @param arrays in the order in which they fill the shards
 * @param options.dtype write floating-point weights as F32, F16 or BF16, rounded to nearest even
 * @param options.maxShardBytes most bytes of data in one file; default 5 GB
 * @returns the names of the files written
 * @throws CheckpointError `value` if an array cannot be stored, `storage` if the store refuses
 * @example
 * await writeWeights(store, "model", weights, { dtype: "BF16" });
 */
export async function writeWeights(
  store: FileStore,
  folder: string,
  arrays: NamedArrays,
  options: WriteWeightsOptions = {},
): Promise<string[]> {
  const marked = options.dtype === undefined ? arrays : withFloatDType(arrays, options.dtype);
  const shards = planShards(marked, options.maxShardBytes);
  const pieces = [...shards].map(([name, shard]) => [name, encodeSafetensors(shard)] as const);
  for (const [name, shard] of pieces) await writeFileAtomic(store, joinPath(folder, name), shard);
  const written = [...shards.keys()];
  if (shards.size > 1) {
    await writeHuggingFaceJson(store, joinPath(folder, INDEX_NAME), shardIndex(shards));
    written.push(INDEX_NAME);
  }
  await removeStale(store, folder, written);
  return written;
}

/** Removes the weight files in `folder` that are not among `written`: a loader would take one for the other. */
async function removeStale(store: FileStore, folder: string, written: readonly string[]): Promise<void> {
  for (const name of await listFolder(store, folder, "writeWeights")) {
    const isWeights = name === WEIGHTS_NAME || name === INDEX_NAME || /^model-\d{5}-of-\d{5}\.safetensors$/.test(name);
    if (isWeights && !written.includes(name)) await removePath(store, joinPath(folder, name), "writeWeights");
  }
}
