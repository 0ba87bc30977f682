import { CheckpointError, isCheckpointError, reasonOf } from "./errors.ts";
import { type FileStore, parentOf } from "./file-store.ts";
import { storageError } from "./store-access.ts";

/** What is appended to the name of a file while it is written. */
const UNFINISHED = ".tmp";

/**
 * Writes a file so that a crash at any moment leaves either the old content or the new, whole: to a temporary name beside
 * it, flushed to the disk, renamed, the folder flushed. If anything fails the temporary is removed and the old file stays.
 *
 * One writer at a time: the temporary's name is `path` + ".tmp".
 *
 * @param pieces the content, one after the other
 * @throws CheckpointError `storage`, with the store's own error as its cause
 * @example
 * await writeFileAtomic(store, "out/config.json", [encodeUtf8(text)]);
 */
export async function writeFileAtomic(store: FileStore, path: string, pieces: Iterable<Uint8Array>): Promise<void> {
  const temporary = path + UNFINISHED;
  const folder = parentOf(path);
  await orCleanUp(store, temporary, "writeFileAtomic", path, async () => {
    if (folder !== "") await store.makeFolder(folder);
    await store.write(temporary, pieces);
    await store.sync(temporary);
    await store.rename(temporary, path);
  });
  await flushFolder(store, folder, "writeFileAtomic", path);
}

/** Makes a rename inside `folder` durable. `path` is what was renamed, for the message. */
export async function flushFolder(store: FileStore, folder: string, caller: string, path: string): Promise<void> {
  try {
    await store.sync(folder);
  } catch (error) {
    throw new CheckpointError(
      "storage",
      `${caller}: ${path} was written, but its folder could not be flushed: ${reasonOf(error)}. Check the disk; a power cut may still undo the change.`,
      { cause: error },
    );
  }
}

/**
 * Runs `work`; if it fails, removes `temporary` and throws a {@link CheckpointError} that names `path`. Errors of this
 * package pass unchanged.
 */
export async function orCleanUp(
  store: FileStore,
  temporary: string,
  caller: string,
  path: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    // The first error is the one to report, also if the disk is so broken that nothing can be removed.
    await store.remove(temporary).catch(() => undefined);
    if (isCheckpointError(error)) throw error;
    throw storageError(caller, path, "written", error, "; what was there before is unchanged");
  }
}
