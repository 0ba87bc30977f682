import { readFile, stat } from "node:fs/promises";
import { badInput } from "./errors.ts";

const messageOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

/**
 * The text of a file.
 *
 * Files up to 1 GiB: a string cannot hold much more.
 * @throws CliError (bad input) if the file is missing, a folder, unreadable, too large, empty or not UTF-8 text
 */
export async function readText(path: string): Promise<string> {
  const found = await stat(path).catch((error: unknown) => {
    throw badInput(messageOf(error) === "ENOENT" ? `text file ${path} does not exist, expected a UTF-8 text file. Check the path` : `text file ${path} cannot be read (${messageOf(error)}), expected a UTF-8 text file. Check its permissions`);
  });
  if (!found.isFile()) throw badInput(`text file ${path} is a folder or a device, expected a UTF-8 text file. Name the files in it`);
  if (found.size === 0) throw badInput(`text file ${path} is empty, expected text. Check the path`);
  if (found.size > 2 ** 29) throw badInput(`text file ${path} has ${found.size} bytes, expected at most ${2 ** 29}. Train on a part of it`);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw badInput(`text file ${path} cannot be read (${messageOf(error)}), expected a UTF-8 text file. Check its permissions`);
  });
  return decodeText(path, bytes);
}

function decodeText(path: string, bytes: Uint8Array): string {
  const zero = bytes.indexOf(0);
  if (zero >= 0) throw badInput(`text file ${path} is binary (a zero byte at offset ${zero}), expected UTF-8 text. Convert it to text first`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw badInput(`text file ${path} is not UTF-8, expected UTF-8 text. Convert it first, for example with iconv -t utf-8`);
  }
}

/** The texts of several files, joined by a line break. @throws CliError as `readText`, or if there is only one distinct character */
export async function readTexts(paths: readonly string[]): Promise<string> {
  const texts: string[] = [];
  for (const path of paths) texts.push(await readText(path));
  const text = texts.join("\n");
  const [first] = text;
  if (text.split(first!).join("") === "") {
    throw badInput(`text file ${paths.join(", ")} holds only the character ${JSON.stringify(first)}, expected at least two different ones: there is nothing to learn`);
  }
  return text;
}
