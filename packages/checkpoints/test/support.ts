import { isCheckpointError, type CheckpointErrorCode } from "../src/errors.ts";
import { encodeUtf8 } from "../src/text.ts";
import type { FileStore } from "../src/file-store.ts";

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
    return isCheckpointError(error) ? { code: error.code, message: error.message } : { code: "other", message: String(error) };
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
  const say = async (operation: keyof FileStore, path: string): Promise<void> => before(operation, path);
  return {
    size: async (path) => (await say("size", path), store.size(path)),
    read: async (path) => (await say("read", path), store.read(path)),
    open: async (path) => (await say("open", path), store.open(path)),
    write: async (path, pieces) => (await say("write", path), store.write(path, pieces)),
    sync: async (path) => (await say("sync", path), store.sync(path)),
    rename: async (from, to) => (await say("rename", from), store.rename(from, to)),
    list: async (folder) => (await say("list", folder), store.list(folder)),
    makeFolder: async (folder) => (await say("makeFolder", folder), store.makeFolder(folder)),
    remove: async (path) => (await say("remove", path), store.remove(path)),
  };
}
