import type { Source } from "./source.ts";

/** A source that holds something open. */
export interface OpenSource extends Source {
  close(): Promise<void>;
}

/**
 * The few file operations that saving and loading need. Paths are text with "/" between parts; what they are relative to
 * is the store's own business. Implement it over OPFS, IndexedDB or a network share, and check it with
 * `fileStoreContract` of `@heed/checkpoints/testing`; `memoryFileStore` and `nodeFileStore` come with this package.
 *
 * A failing operation rejects with any error; what is absent is told by null or an empty list where said so.
 */
export interface FileStore {
  /** The size of a file in bytes, or null if there is no file of that path. */
  size(path: string): Promise<number | null>;
  /** The whole file. Rejects if there is none. The caller owns the bytes. */
  read(path: string): Promise<Uint8Array>;
  /** Opens a file for reading in pieces. Rejects if there is none. */
  open(path: string): Promise<OpenSource>;
  /** Creates or replaces a file, piece by piece. Its folder exists. A failure may leave a part of the file. */
  write(path: string, pieces: Iterable<Uint8Array>): Promise<void>;
  /** Returns when the content of the file, or the entries of the folder, will survive a power cut. */
  sync(path: string): Promise<void>;
  /** Moves a file or folder in one step: a reader sees the old or the new. A file replaces a file; a folder has a new name. */
  rename(from: string, to: string): Promise<void>;
  /** The names in a folder in any order, empty if there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Creates a folder and those above it; one that exists is fine. */
  makeFolder(folder: string): Promise<void>;
  /** Removes a file, or a folder with all its content; what is absent is fine. */
  remove(path: string): Promise<void>;
}

/** `folder` and `name` as one path; an empty folder is where the store starts. */
export function joinPath(folder: string, name: string): string {
  return folder === "" || folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** The folder of `path`; empty if it names none. */
export function parentOf(path: string): string {
  const slash = path.replace(/\/+$/, "").lastIndexOf("/");
  return slash <= 0 ? path.slice(0, slash + 1) : path.slice(0, slash);
}
