import { listSnapshots, loadLatestSnapshot, type Snapshot } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { readdir } from "node:fs/promises";
import { wrongUse } from "../errors.ts";
import type { Output } from "../output.ts";
import { snapshotFolder } from "./run.ts";
import type { TrainSettings } from "./settings.ts";

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    throw wrongUse(`train: --out ${folder} cannot be used (${code}), expected a folder or a new name. Choose another --out`);
  }
}

/** Throws unless a new run may be written to `folder`: it must be absent or empty. */
export async function expectNewFolder(folder: string): Promise<void> {
  const entries = await entriesOf(folder);
  if (entries.length === 0) return;
  const isRun = (await listSnapshots(nodeFileStore(), snapshotFolder(folder))).length > 0;
  throw wrongUse(
    isRun
      ? `train: --out ${folder} already holds a run, expected a new folder. Add --resume to continue it, or choose another --out`
      : `train: --out ${folder} exists and is not a run of heed, expected a new folder. Nothing was changed; choose another --out`,
  );
}

/** The newest snapshot that is whole; says which newer ones were not. */
export async function openRun(folder: string, output: Output): Promise<{ snapshot: Snapshot; settings: TrainSettings }> {
  if ((await listSnapshots(nodeFileStore(), snapshotFolder(folder))).length === 0) {
    throw wrongUse(`train: --resume found no run in ${folder}, expected a folder that train has written. Check --out, or leave --resume out to start a run`);
  }
  const { snapshot, name, rejected } = await loadLatestSnapshot(nodeFileStore(), snapshotFolder(folder));
  for (const { name: bad, reason } of rejected) output.notice(`snapshot ${bad} cannot be used (${reason}); continuing from ${name} at step ${snapshot.step}`);
  return { snapshot, settings: snapshot.settings as unknown as TrainSettings };
}
