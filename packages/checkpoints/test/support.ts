import { type CheckpointErrorCode, isCheckpointError } from "../src/errors.ts";
import type { FileStore } from "../src/file-store.ts";
import { encodeUtf8 } from "../src/text.ts";

/** A file with the given header and data, of which nothing is checked. */
export function frame(header: string | Uint8Array, data: Uint8Array = new Uint8Array(), length?: bigint): Uint8Array {
  const text = typeof header === "string" ? encodeUtf8(header) : header;
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

export interface Caught {
  readonly code: CheckpointErrorCode | "none" | "other";
  readonly message: string;
}

/** The typed error that `work` ends with. */
export async function caught(work: () => unknown): Promise<Caught> {
  try {
    await work();
    return { code: "none", message: "" };
  } catch (error) {
    return isCheckpointError(error)
      ? { code: error.code, message: error.message }
      : { code: "other", message: String(error) };
  }
}

/** mulberry32: a small seeded generator of integers below `n`. */
export function randomInts(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

/** Passes every operation to `store`, after `before` had its say: it may throw to make the operation fail. */
export function intercept(store: FileStore, before: (operation: keyof FileStore, path: string) => void): FileStore {
  const first = async <T>(operation: keyof FileStore, path: string, work: () => Promise<T>): Promise<T> => {
    before(operation, path);
    return work();
  };
  return {
    size: (path) => first("size", path, () => store.size(path)),
    read: (path) => first("read", path, () => store.read(path)),
    open: (path) => first("open", path, () => store.open(path)),
    write: (path, pieces) => first("write", path, () => store.write(path, pieces)),
    sync: (path) => first("sync", path, () => store.sync(path)),
    rename: (from, to) => first("rename", from, () => store.rename(from, to)),
    list: (folder) => first("list", folder, () => store.list(folder)),
    makeFolder: (folder) => first("makeFolder", folder, () => store.makeFolder(folder)),
    remove: (path) => first("remove", path, () => store.remove(path)),
  };
}
