import { CheckpointError, reasonOf } from "./errors.ts";

/**
 * Bytes that can be read in pieces: a file, a Blob, a range-request URL, an array in memory.
 *
 * `read(offset, length)` gives exactly `length` bytes from byte `offset`; it is only asked for ranges inside `size`. The
 * caller keeps and owns what it gets, so a source must not change or reuse those bytes.
 */
export interface Source {
  /** Number of bytes. */
  readonly size: number;
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
}

/** A source over bytes in memory; every read is a copy. */
export function memorySource(bytes: Uint8Array): Source & { read(offset: number, length: number): Uint8Array } {
  return { size: bytes.length, read: (offset, length) => bytes.slice(offset, offset + length) };
}

/** Reads from `source` and checks that it gave what was asked for. `file` names it in messages. */
export async function readExactly(
  caller: string,
  source: Source,
  offset: number,
  length: number,
  file: string,
): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await source.read(offset, length);
  } catch (error) {
    throw new CheckpointError(
      "storage",
      `${caller}: ${file} could not be read: ${reasonOf(error)}. Check the path, its permissions and the disk.`,
      { cause: error },
    );
  }
  if (bytes.length !== length) {
    throw new CheckpointError(
      "truncated",
      `${caller}: ${file} gave too few bytes at offset ${offset}, expected ${length}, got ${bytes.length}. It is cut short or changed while being read; read it again.`,
    );
  }
  return bytes;
}
