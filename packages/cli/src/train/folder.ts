import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type CheckpointError,
  formatHuggingFaceJson,
  isCheckpointError,
  type JsonObject,
  listSnapshots,
  loadSnapshot,
  readJsonFile,
  type Snapshot,
  writeFileAtomic,
} from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { badInput, wrongUse } from "../errors.ts";
import { readSettings, settingsDifference, type TrainSettings } from "./settings.ts";

/** Where the snapshots of a run lie. */
export const snapshotFolder = (folder: string): string => join(folder, "run");

const settingsPath = (folder: string): string => join(snapshotFolder(folder), "settings.json");

/** Files that a start which was cut short may leave. */
const isLeftover = (name: string): boolean => name === "settings.json" || /^(unfinished-|\.|.*\.(tmp|part))/.test(name);

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    throw wrongUse(
      `train: --out ${folder} cannot be used (${code}), expected a folder or a new name. Choose another --out`,
    );
  }
}

/** Throws unless a new run may be written to `folder`: it must be absent or empty, or hold a start that saved nothing. */
export async function expectNewFolder(folder: string): Promise<void> {
  const entries = await entriesOf(folder);
  if (entries.length === 0) return;
  if ((await listSnapshots(nodeFileStore(), snapshotFolder(folder))).length > 0) {
    throw wrongUse(
      `train: --out ${folder} already holds a run, expected a new folder. Add --resume to continue it, or choose another --out`,
    );
  }
  const onlyRun = entries.length === 1 && entries[0] === "run";
  if (onlyRun && (await entriesOf(snapshotFolder(folder))).every(isLeftover)) return;
  throw wrongUse(
    `train: --out ${folder} exists and is not a run, expected a new folder. Nothing was changed: choose another --out`,
  );
}

/** Notes what a run is, once, so that a snapshot of another run among its own is recognized. */
export async function saveSettings(folder: string, settings: TrainSettings): Promise<void> {
  const text = formatHuggingFaceJson(settings as unknown as JsonObject);
  await writeFileAtomic(nodeFileStore(), settingsPath(folder), [new TextEncoder().encode(text)]);
}

/** A run on disk. */
export interface SavedRun {
  readonly settings: TrainSettings;
  /** snapshots that belong to the run, newest first; `reject` is told why one is passed over */
  snapshots(reject: (name: string, reason: string) => void): AsyncGenerator<{ name: string; snapshot: Snapshot }>;
}

async function readSavedSettings(folder: string): Promise<TrainSettings | undefined> {
  try {
    return readSettings(await readJsonFile(nodeFileStore(), settingsPath(folder)), settingsPath(folder));
  } catch (error) {
    if (isCheckpointError(error)) return undefined;
    throw error;
  }
}

async function noSnapshot(folder: string): Promise<Error> {
  const entries = await entriesOf(folder);
  if (entries.length === 1 && entries[0] === "run") {
    return wrongUse(
      `train: --resume found a run in ${folder} that was stopped before its first snapshot, expected one. Leave --resume out to start it again`,
    );
  }
  return wrongUse(
    `train: --resume found no run in ${folder}, expected a folder that train has written. Check --out, or leave --resume out to start a run`,
  );
}

/** Opens a run to continue it. @throws CliError if there is none, or none of its snapshots is whole */
export async function openRun(folder: string): Promise<SavedRun> {
  const store = nodeFileStore();
  const names = await listSnapshots(store, snapshotFolder(folder));
  if (names.length === 0) throw await noSnapshot(folder);
  const load = (name: string): Promise<Snapshot | CheckpointError> =>
    loadSnapshot(store, join(snapshotFolder(folder), name)).catch((error: unknown) => {
      if (isCheckpointError(error)) return error;
      throw error;
    });
  let settings = await readSavedSettings(folder);
  for (const name of settings ? [] : names) {
    const found = await load(name);
    if (isCheckpointError(found)) continue;
    settings = readSettings(found.settings, name);
    break;
  }
  if (!settings) {
    const reasons = await Promise.all(names.map(async (name) => `${name}: ${((await load(name)) as Error).message}`));
    throw badInput(`train: no snapshot in ${folder} can be used, expected a whole one, got ${reasons.join("; ")}`);
  }
  const expected = settings;
  return {
    settings,
    async *snapshots(reject) {
      for (const name of names) {
        const snapshot = await load(name);
        if (isCheckpointError(snapshot)) reject(name, snapshot.message);
        else {
          const difference = settingsDifference(snapshot.settings as unknown as TrainSettings, expected);
          if (difference) reject(name, `it is of another run: ${difference}`);
          else yield { name, snapshot };
        }
      }
    },
  };
}
