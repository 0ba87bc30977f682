import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { badInput } from "../errors.ts";

const unpack = promisify(gunzip);

/** Reads files of a folder, each once. @throws CliError (bad input) if one is missing or damaged */
export function dataFolder(folder: string): (path: string) => Promise<string> {
  const found = new Map<string, Promise<string>>();
  const readFrom = async (path: string): Promise<string> => {
    const full = join(folder, path);
    const bytes = await readFile(full).catch((error: NodeJS.ErrnoException) => {
      throw badInput(
        `train: data file ${full} cannot be read (${error.code}), expected it in the folder of --data. Check --data`,
      );
    });
    const content = path.endsWith(".gz")
      ? await unpack(bytes).catch((error: Error) => {
          throw badInput(
            `train: data file ${full} cannot be unpacked (${error.message}), expected gzip. Copy it again`,
          );
        })
      : bytes;
    return new TextDecoder("utf-8").decode(content);
  };
  return (path) => {
    const text = found.get(path) ?? readFrom(path);
    found.set(path, text);
    return text;
  };
}

/** The lines of a text, without one that is empty at its end. */
export function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/**
 * The rows of a table whose first line names its columns, each with the columns asked for.
 *
 * @throws CliError (bad input) if a column is not there, or a row has another number of fields
 */
export function tableOf(text: string, separator: string, columns: readonly string[], path: string): string[][] {
  const [header = "", ...lines] = linesOf(text);
  const names = header.split(separator);
  const places = columns.map((column) => names.indexOf(column));
  const absent = columns.filter((column) => !names.includes(column));
  if (absent.length > 0)
    throw badInput(
      `train: data file ${path} lacks the columns ${absent.slice(0, 5).join(", ")}${absent.length > 5 ? ` and ${absent.length - 5} more` : ""}, expected them in its first line, got ${header.slice(0, 80)}. Check --data`,
    );
  return lines.map((line, i) => {
    const fields = line.split(separator);
    if (fields.length === names.length) return places.map((place) => fields[place]!);
    throw badInput(
      `train: data file ${path} has ${fields.length} fields in line ${i + 2}, expected ${names.length} (from its first line)`,
    );
  });
}
