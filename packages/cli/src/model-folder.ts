import { join, resolve } from "node:path";
import { type FetchFn, type FileStore, isCheckpointError, urlFileStore } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { badInput, isRefusal } from "./errors.ts";

/** Where the files of a model are. */
export interface ModelFiles {
  readonly store: FileStore;
  /** the folder in the store */
  readonly folder: string;
  /** a file of the folder as a user should read it */
  shown(name: string): string;
}

/** Whether the name of a folder is an address on the web. */
export const isWebAddress = (name: string): boolean => /^https?:\/\//i.test(name);

/** The folder that an argument names: an address as it is, anything else from `cwd` on. */
export const resolveFolder = (cwd: string, name: string): string => (isWebAddress(name) ? name : resolve(cwd, name));

function filesOf(folder: string): ModelFiles {
  if (!isWebAddress(folder)) return { store: nodeFileStore(), folder, shown: (name) => join(folder, name) };
  const shown = (name: string): string => `${folder.replace(/\/+$/, "")}/${name}`;
  return { store: urlFileStore({ base: folder, fetch: fetchOrSayWhy }), folder: "", shown };
}

/** `fetch` says only "fetch failed"; why, stands behind it. */
const fetchOrSayWhy: FetchFn = async (url, init) => {
  try {
    return await fetch(url, init);
  } catch (error) {
    const why = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
    if (!why) throw error;
    throw new Error(why.message || ("code" in why ? String(why.code) : why.name), { cause: error });
  }
};

/** What the web store said, which names the address; undefined for other errors. */
function webMessage(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return /^https?:/i.test(error.message) ? error.message : webMessage(error.cause);
}

/** Reads from a model folder on the disk or the web. @throws CliError for what does not fit, and where the web fails */
export async function readFolder<T>(
  command: string,
  folder: string,
  read: (files: ModelFiles) => Promise<T>,
): Promise<T> {
  try {
    return await read(filesOf(folder));
  } catch (error) {
    const said = isWebAddress(folder) ? webMessage(error) : undefined;
    if (said !== undefined) throw badInput(`${command}: ${said}. Check the address and the connection`);
    // A CheckpointError names the file, on the disk with its folder.
    if (isRefusal(error) || (isCheckpointError(error) && isWebAddress(folder)))
      throw badInput(`${command}: ${folder} cannot be used: ${error.message}`);
    throw error;
  }
}
