import { flushFolder, orCleanUp } from "./atomic.ts";
import { crc32 } from "./checksum.ts";
import type { NamedArray, NamedArrays } from "./dtype.ts";
import { CheckpointError, isCheckpointError, show } from "./errors.ts";
import { type FileStore, joinPath } from "./file-store.ts";
import { formatHuggingFaceJson, parseJsonFile } from "./hugging-face-json.ts";
import { checkJson, isJsonObject, type JsonObject } from "./json.ts";
import { type FileRecord, formatManifest, MANIFEST_NAME, parseManifest, RecordedPieces } from "./manifest.ts";
import { readOwned } from "./safetensors.ts";
import { listFolder, readFile, removePath } from "./store-access.ts";
import { encodeUtf8 } from "./text.ts";
import { encodeSafetensors } from "./write-safetensors.ts";

/** Everything that continues a run bit for bit. */
export interface Snapshot {
  /** Updates done so far, an integer from 0. */
  readonly step: number;
  /** What the run was started with; compare it with the present settings before continuing. */
  readonly settings: JsonObject;
  /** Everything that is not an array: state of the random numbers, position in the data, metrics, ... */
  readonly state: JsonObject;
  /** Groups of arrays, such as `weights` and `optimizer`; each becomes one safetensors file. Group names are lower case. */
  readonly arrays: Readonly<Record<string, NamedArrays>>;
}

/** Options of {@link saveSnapshot}. */
export interface SaveSnapshotOptions {
  /** How many snapshots to keep, counting this one, from 1; default 2. */
  readonly keep?: number;
}

/** What {@link loadLatestSnapshot} found. */
export interface LoadedSnapshot {
  readonly snapshot: Snapshot;
  /** Name of its folder. */
  readonly name: string;
  /** Newer snapshots that could not be used, newest first, with the reason; tell the user. */
  readonly rejected: readonly { readonly name: string; readonly reason: string }[];
}

const STATE_NAME = "state.json";
const PREFIX = "snapshot-";
const UNFINISHED = "unfinished-";

/**
 * Saves a snapshot as a new folder `snapshot-000001` (and so on) inside `folder`, so that a crash or a full disk at any
 * moment leaves the earlier snapshots as they were.
 *
 * It is written to a temporary folder: one safetensors file for each group of arrays, `state.json`, and last
 * `manifest.json` with the size and CRC-32 of each; everything is flushed, the folder renamed, its parent flushed. Then
 * older snapshots are removed, so that `keep` with a complete set of files remain. One process saves into a folder at a time.
 * The arrays must not change until it is done: they are read while they are written.
 *
 * Cost: one pass over the data.
 *
 * @param folder of the run; created if absent
 * @param options.keep snapshots to keep, from 1; default 2
 * @returns the name of the new folder
 * @throws CheckpointError `value` if something cannot be stored, `storage` if the store refuses (nothing half-written stays)
 * @example
 * await saveSnapshot(store, "out/run", { step: 100, settings, state: { rng, cursor, metrics }, arrays: { weights, optimizer } });
 */
export async function saveSnapshot(
  store: FileStore,
  folder: string,
  snapshot: Snapshot,
  options: SaveSnapshotOptions = {},
): Promise<string> {
  const keep = options.keep ?? 2;
  if (!(Number.isSafeInteger(keep) && keep >= 1))
    throw new CheckpointError("value", `saveSnapshot: keep is wrong, expected an integer from 1, got ${show(keep)}.`);
  const files = encodeSnapshot(snapshot);
  const present = await listFolder(store, folder, "saveSnapshot");
  for (const name of present.filter((found) => found.startsWith(UNFINISHED)))
    await removePath(store, joinPath(folder, name), "saveSnapshot");
  const number = Math.max(0, ...snapshotNames(present).map(numberOf)) + 1;
  const name = PREFIX + String(number).padStart(6, "0");
  const temporary = joinPath(folder, UNFINISHED + name);
  await orCleanUp(store, temporary, "saveSnapshot", joinPath(folder, name), async () => {
    await store.makeFolder(temporary);
    await writeFiles(store, temporary, files);
    await store.rename(temporary, joinPath(folder, name));
  });
  await flushFolder(store, folder, "saveSnapshot", joinPath(folder, name));
  await prune(store, folder, [name, ...snapshotNames(present)], keep);
  return name;
}

/** The files of a snapshot but for the manifest. Everything is checked here, before anything is written. */
function encodeSnapshot(snapshot: Snapshot): Map<string, Iterable<Uint8Array>> {
  const { step, settings, state, arrays } = snapshot;
  if (!(Number.isSafeInteger(step) && step >= 0))
    throw new CheckpointError("value", `saveSnapshot: step is wrong, expected an integer from 0, got ${show(step)}.`);
  checkJson("saveSnapshot", "settings", settings);
  checkJson("saveSnapshot", "state", state);
  const files = new Map<string, Iterable<Uint8Array>>();
  for (const [group, members] of Object.entries(arrays)) {
    if (!/^[a-z][a-z0-9_-]{0,63}$/.test(group))
      throw new CheckpointError(
        "value",
        `saveSnapshot: arrays has a wrong group name, expected 1 to 64 of a-z, 0-9, "_" and "-", a letter first, got ${show(group)}. Rename the group.`,
      );
    files.set(`${group}.safetensors`, encodeSafetensors(members));
  }
  const document = { groups: Object.keys(arrays), settings, state, step };
  files.set(STATE_NAME, [encodeUtf8(formatHuggingFaceJson(document))]);
  return files;
}

async function writeFiles(
  store: FileStore,
  folder: string,
  files: ReadonlyMap<string, Iterable<Uint8Array>>,
): Promise<void> {
  const records = new Map<string, FileRecord>();
  const write = async (name: string, pieces: Iterable<Uint8Array>): Promise<void> => {
    await store.write(joinPath(folder, name), pieces);
    await store.sync(joinPath(folder, name));
  };
  for (const [name, pieces] of files) {
    const recorded = new RecordedPieces(pieces);
    await write(name, recorded);
    records.set(name, { size: recorded.size, crc32: recorded.crc32 });
  }
  await write(MANIFEST_NAME, [encodeUtf8(formatManifest(records))]);
  await store.sync(folder);
}

/** Removes what is older than the `keep`-th complete snapshot; incomplete ones between do not count. */
async function prune(store: FileStore, folder: string, newestFirst: readonly string[], keep: number): Promise<void> {
  let complete = 0;
  for (const name of newestFirst) {
    if (complete >= keep) await removePath(store, joinPath(folder, name), "saveSnapshot");
    else if (await isComplete(store, joinPath(folder, name))) complete++;
  }
}

/** Whether every file is there in its recorded size; contents are not read. */
async function isComplete(store: FileStore, folder: string): Promise<boolean> {
  try {
    const files = parseManifest(await readFile(store, joinPath(folder, MANIFEST_NAME), "saveSnapshot"), folder);
    for (const [name, { size }] of files) {
      if ((await store.size(joinPath(folder, name))) !== size) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/** The names of the snapshots in `folder`, newest first; whether they can be used is not checked. */
export async function listSnapshots(store: FileStore, folder: string): Promise<string[]> {
  return snapshotNames(await listFolder(store, folder, "listSnapshots"));
}

function snapshotNames(names: readonly string[]): string[] {
  return names.filter((name) => /^snapshot-\d{6,15}$/.test(name)).sort((a, b) => numberOf(b) - numberOf(a));
}

function numberOf(name: string): number {
  return Number(name.slice(PREFIX.length));
}

/**
 * Loads the newest snapshot in `folder` that is whole: every file there, of its recorded size and checksum. Newer ones
 * that are cut short, damaged or of another version are passed over and listed in `rejected`, so that the caller can say so.
 *
 * Whether it belongs to the present model is for the caller: compare `snapshot.settings`.
 *
 * Cost: one pass over the data of the snapshot; those before it are not read.
 *
 * @throws CheckpointError `missing` if there is no snapshot; `damaged` if there are some but none is whole, listing why;
 *   `storage` if the folder cannot be listed
 * @example
 * const { snapshot, rejected } = await loadLatestSnapshot(store, "out/run");
 */
export async function loadLatestSnapshot(store: FileStore, folder: string): Promise<LoadedSnapshot> {
  const rejected: { name: string; reason: string }[] = [];
  for (const name of await listSnapshots(store, folder)) {
    try {
      return { snapshot: await loadSnapshot(store, joinPath(folder, name)), name, rejected };
    } catch (error) {
      if (!isCheckpointError(error)) throw error;
      rejected.push({ name, reason: error.message });
    }
  }
  if (rejected.length === 0)
    throw new CheckpointError(
      "missing",
      `loadLatestSnapshot: ${folder} has no snapshot, expected a folder called ${PREFIX}000001 or so. Check the path, or start the run anew.`,
    );
  const reasons = rejected.map(({ name, reason }) => `${name} (${reason})`).join("; ");
  throw new CheckpointError(
    "damaged",
    `loadLatestSnapshot: ${folder} has no usable snapshot, expected at least one whole, got ${reasons}. Start the run anew.`,
  );
}

/**
 * Loads one snapshot and checks it against its manifest.
 *
 * @param folder of the snapshot itself, such as "out/run/snapshot-000002"
 * @throws CheckpointError `missing` if a file is absent, `truncated` or `damaged` if one is not as it was written,
 *   `version` if it is of another version of the layout, `storage` if the store refuses
 */
export async function loadSnapshot(store: FileStore, folder: string): Promise<Snapshot> {
  const manifest = joinPath(folder, MANIFEST_NAME);
  const files = parseManifest(await readFile(store, manifest, "loadSnapshot"), manifest);
  const document = parseJsonFile(await readRecorded(store, folder, STATE_NAME, files), joinPath(folder, STATE_NAME));
  const { groups, settings, state, step } = document;
  if (!Array.isArray(groups) || !isJsonObject(settings) || !isJsonObject(state) || typeof step !== "number") {
    throw new CheckpointError(
      "damaged",
      `loadSnapshot: ${joinPath(folder, STATE_NAME)} lacks step, settings, state or groups. Use an earlier snapshot.`,
    );
  }
  const arrays: Record<string, Map<string, NamedArray>> = {};
  for (const group of groups) {
    const name = `${String(group)}.safetensors`;
    const bytes = await readRecorded(store, folder, name, files);
    arrays[String(group)] = readOwned(bytes, { caller: "loadSnapshot", file: joinPath(folder, name) }).arrays;
  }
  return { step, settings, state, arrays };
}

/** The bytes of one file, after checking that they are those the manifest records. */
async function readRecorded(
  store: FileStore,
  folder: string,
  name: string,
  files: ReadonlyMap<string, FileRecord>,
): Promise<Uint8Array> {
  const path = joinPath(folder, name);
  const record = files.get(name);
  if (record === undefined)
    throw new CheckpointError("damaged", `loadSnapshot: ${path} is not in the manifest. Use an earlier snapshot.`);
  const bytes = await readFile(store, path, "loadSnapshot");
  if (bytes.length !== record.size) {
    throw new CheckpointError(
      "truncated",
      `loadSnapshot: ${path} has another size than recorded, expected ${record.size} bytes, got ${bytes.length}. Use an earlier snapshot.`,
    );
  }
  const found = crc32(bytes);
  if (found !== record.crc32) {
    const hex = (n: number): string => n.toString(16).padStart(8, "0");
    throw new CheckpointError(
      "damaged",
      `loadSnapshot: ${path} has changed since it was written, expected CRC-32 ${hex(record.crc32)}, got ${hex(found)}. Use an earlier snapshot.`,
    );
  }
  return bytes;
}
