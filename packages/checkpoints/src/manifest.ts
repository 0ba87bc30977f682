import { crc32 } from "./checksum.ts";
import { CheckpointError, show } from "./errors.ts";
import { formatHuggingFaceJson, parseJsonFile } from "./hugging-face-json.ts";
import { isJsonObject, type Json } from "./json.ts";
import { decodeUtf8 } from "./text.ts";

/** The version of the snapshot layout this package writes and reads. */
const SNAPSHOT_VERSION = 1;

/** Name of the file that says which files a snapshot has; it is written last. */
export const MANIFEST_NAME = "manifest.json";

/** Size in bytes and CRC-32 of one file of a snapshot. */
export interface FileRecord {
  readonly size: number;
  readonly crc32: number;
}

/** Passes pieces on and computes their record on the way. */
export class RecordedPieces {
  readonly pieces: Iterable<Uint8Array>;
  size = 0;
  crc32 = 0;

  constructor(pieces: Iterable<Uint8Array>) {
    this.pieces = pieces;
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    this.size = 0;
    this.crc32 = 0;
    for (const piece of this.pieces) {
      this.size += piece.length;
      this.crc32 = crc32(piece, this.crc32);
      yield piece;
    }
  }
}

/** The text of a manifest. */
export function formatManifest(files: ReadonlyMap<string, FileRecord>): string {
  const records: Record<string, Json> = {};
  for (const [name, { size, crc32: checksum }] of files) records[name] = { size, crc32: checksum };
  return formatHuggingFaceJson({ version: SNAPSHOT_VERSION, files: records });
}

/**
 * The files a manifest records.
 *
 * @param path of the manifest, for messages
 * @throws CheckpointError `damaged` if a single byte differs from what {@link formatManifest} writes, `version` if it is of another version
 */
export function parseManifest(bytes: Uint8Array, path: string): Map<string, FileRecord> {
  const manifest = parseJsonFile(bytes, path);
  const version = manifest["version"];
  if (version !== SNAPSHOT_VERSION) {
    throw new CheckpointError(
      "version",
      `loadSnapshot: ${path} is of another version, expected ${SNAPSHOT_VERSION}, got ${show(version)}. Use the release of heed that wrote it.`,
    );
  }
  const damaged = (): CheckpointError =>
    new CheckpointError(
      "damaged",
      `loadSnapshot: ${path} is damaged, expected a list of files as it was written. Use an earlier snapshot.`,
    );
  const files = new Map<string, FileRecord>();
  const records = manifest["files"];
  if (!isJsonObject(records)) throw damaged();
  for (const [name, record] of Object.entries(records)) {
    if (!isJsonObject(record)) throw damaged();
    const { size, crc32: checksum } = record;
    if (typeof size !== "number" || typeof checksum !== "number" || !isFileName(name)) throw damaged();
    files.set(name, { size, crc32: checksum });
  }
  // Writing it again must give the same text: this is the manifest's own checksum.
  if (formatManifest(files) !== decodeUtf8(bytes)) throw damaged();
  return files;
}

function isFileName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name);
}
