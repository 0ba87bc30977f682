import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import type { FileStore } from "./file-store.ts";

/**
 * The file system of Node. Relative paths are relative to the working directory. Import it from
 * `@heed/checkpoints/node`: it is the only part of this package that needs Node.
 *
 * `sync` flushes a file to the disk, and a folder's entries too; Windows cannot open a folder, and keeps its entries
 * safe by itself.
 *
 * @example
 * import { nodeFileStore } from "@heed/checkpoints/node";
 * const file = await openSafetensors(await nodeFileStore().open("model.safetensors"));
 */
export function nodeFileStore(): FileStore {
  return { size, read, open: openFile, write, sync, rename, list, makeFolder, remove };
}

type Handle = Awaited<ReturnType<typeof open>>;

/** Most bytes of one call: Node refuses 2 GiB and more. */
const MAX_CALL_BYTES = 2 ** 30;

/** Runs `work` and closes the handle whatever happens. */
async function closing<T>(handle: Handle, work: (handle: Handle) => Promise<T>): Promise<T> {
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}

async function size(path: string): Promise<number | null> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : null;
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

async function read(path: string): Promise<Uint8Array> {
  return closing(await open(path, "r"), async (handle) => readRange(handle, 0, (await handle.stat()).size));
}

async function openFile(path: string): ReturnType<FileStore["open"]> {
  const bytes = await size(path);
  if (bytes === null) throw new Error(`no such file: ${path}`);
  const handle = await open(path, "r");
  return {
    size: bytes,
    read: (offset, length) => readRange(handle, offset, length),
    close: () => handle.close(),
  };
}

/** As many bytes as there are, at most `length`: one call of the system may give fewer. */
async function readRange(handle: Handle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, Math.min(length - filled, MAX_CALL_BYTES), offset + filled);
    if (bytesRead === 0) return bytes.subarray(0, filled);
    filled += bytesRead;
  }
  return bytes;
}

async function write(path: string, pieces: Iterable<Uint8Array>): Promise<void> {
  await closing(await open(path, "w"), async (handle) => {
    for (const piece of pieces) {
      let written = 0;
      while (written < piece.length) {
        const { bytesWritten } = await handle.write(piece, written, Math.min(piece.length - written, MAX_CALL_BYTES));
        written += bytesWritten;
      }
    }
  });
}

async function sync(path: string): Promise<void> {
  const found = path === "" ? "." : path;
  if ((await size(found)) !== null) return closing(await open(found, "r+"), (file) => file.sync());
  let handle: Handle;
  try {
    handle = await open(found, "r");
  } catch (error) {
    if (isCode(error, "EISDIR") || isCode(error, "EPERM")) return; // a folder on Windows
    throw error;
  }
  await closing(handle, (folder) => folder.sync());
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder === "" ? "." : folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
}

async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

function isAbsent(error: unknown): boolean {
  return isCode(error, "ENOENT") || isCode(error, "ENOTDIR");
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
