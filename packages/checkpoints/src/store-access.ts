import { CheckpointError, reasonOf } from "./errors.ts";
import type { FileStore, OpenSource } from "./file-store.ts";

// Every call of a store goes through here or through atomic.ts, so that its errors arrive as CheckpointErrors.

/** The error for a store that refused. `after` ends the last sentence. */
export function storageError(caller: string, path: string, what: string, error: unknown, after = ""): CheckpointError {
  const reason = reasonOf(error);
  const isFull = /ENOSPC|EDQUOT|no space|quota/i.test(reason);
  const advice = isFull
    ? "The disk is full: free some space and save again"
    : "Check the path, its permissions and the disk";
  return new CheckpointError("storage", `${caller}: ${path} could not be ${what}: ${reason}. ${advice}${after}.`, {
    cause: error,
  });
}

async function guarded<T>(caller: string, path: string, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(caller, path, what, error);
  }
}

/** The size of a file in bytes, or null if there is none. */
export function sizeOf(store: FileStore, path: string, caller: string): Promise<number | null> {
  return guarded(caller, path, "read", () => store.size(path));
}

/** The size of a file that must be there, in bytes. */
export async function fileSize(store: FileStore, path: string, caller: string): Promise<number> {
  const size = await sizeOf(store, path, caller);
  if (size === null)
    throw new CheckpointError("missing", `${caller}: ${path} is missing, expected a file. Check the path.`);
  return size;
}

/** The bytes of a file that must be there. */
export async function readFile(store: FileStore, path: string, caller: string): Promise<Uint8Array> {
  await fileSize(store, path, caller);
  return guarded(caller, path, "read", () => store.read(path));
}

/** Opens a file that must be there. */
export async function openFile(store: FileStore, path: string, caller: string): Promise<OpenSource> {
  await fileSize(store, path, caller);
  return guarded(caller, path, "read", () => store.open(path));
}

/** The names in a folder, none if it is absent. */
export async function listFolder(store: FileStore, folder: string, caller: string): Promise<string[]> {
  return guarded(caller, folder, "listed", () => store.list(folder));
}

/** Removes a file or folder. */
export async function removePath(store: FileStore, path: string, caller: string): Promise<void> {
  return guarded(caller, path, "removed", () => store.remove(path));
}
