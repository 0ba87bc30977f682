import type { FileStore } from "./file-store.ts";
import { memorySource } from "./source.ts";
import { concatBytes } from "./text.ts";

/**
 * A file store in memory: for tests, and for a browser that offers a download.
 *
 * @param files where the content is kept, by path; default a new Map. Folders are what the paths imply.
 * @example
 * const store = memoryFileStore();
 */
export function memoryFileStore(files: Map<string, Uint8Array> = new Map()): FileStore {
  const find = (path: string): Uint8Array => {
    const bytes = files.get(path);
    if (bytes === undefined) throw new Error(`no such file: ${path}`);
    return bytes;
  };
  const prefixOf = (folder: string): string => (folder === "" || folder.endsWith("/") ? folder : `${folder}/`);
  const inside = (folder: string): string[] => [...files.keys()].filter((path) => path.startsWith(prefixOf(folder)));
  return {
    size: async (path) => files.get(path)?.length ?? null,
    read: async (path) => find(path).slice(),
    open: async (path) => ({ ...memorySource(find(path)), close: async () => undefined }),
    write: async (path, pieces) => {
      files.set(path, concatBytes(pieces));
    },
    sync: async () => undefined,
    rename: async (from, to) => {
      const moved = files.has(from) ? [from] : inside(from);
      if (moved.length === 0) throw new Error(`no such file or folder: ${from}`);
      if (moved[0] !== from && inside(to).length > 0) throw new Error(`folder exists: ${to}`);
      for (const path of moved) {
        const bytes = find(path);
        files.delete(path);
        files.set(to + path.slice(from.length), bytes);
      }
    },
    list: async (folder) => [
      ...new Set(inside(folder).map((path) => path.slice(prefixOf(folder).length).split("/")[0] ?? "")),
    ],
    makeFolder: async () => undefined,
    remove: async (path) => {
      files.delete(path);
      for (const child of inside(path)) files.delete(child);
    },
  };
}
