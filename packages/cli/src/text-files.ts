import { readFile, stat } from "node:fs/promises";
import { badInput } from "./errors.ts";

/** A string cannot hold much more. */
const mostBytes = 2 ** 29;

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

function unreadable(path: string, error: unknown): Error {
  const code = codeOf(error);
  return badInput(
    code === "ENOENT"
      ? `text file ${path} does not exist, expected a UTF-8 text file. Check the path`
      : `text file ${path} cannot be read (${code}), expected a UTF-8 text file. Check the path and its permissions`,
  );
}

/**
 * The text of a file of at most 512 MiB, without a byte order mark.
 *
 * @throws CliError (bad input) if the file is missing, a folder, unreadable, too large, empty or not UTF-8 text
 */
export async function readText(path: string): Promise<string> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (found.isDirectory()) {
    throw badInput(`text file ${path} is a folder, expected a UTF-8 text file. Name the files in it`);
  }
  if (!found.isFile()) throw badInput(`text file ${path} is a device or a pipe, expected a file. Save it first`);
  if (found.size > mostBytes) {
    throw badInput(`text file ${path} has ${found.size} bytes, expected at most ${mostBytes}. Take a part of it`);
  }
  const bytes = await readFile(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (bytes.length === 0) throw badInput(`text file ${path} is empty, expected text. Check the path`);
  return decodeText(path, bytes);
}

function decodeText(path: string, bytes: Uint8Array): string {
  const zero = bytes.indexOf(0);
  if (zero >= 0) {
    throw badInput(
      `text file ${path} is binary (a zero byte at offset ${zero}), expected UTF-8 text. Convert it to text first`,
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw badInput(
      `text file ${path} is not UTF-8, expected UTF-8 text. Convert it first, for example with iconv -t utf-8`,
    );
  }
}

/** The texts of several files, joined by a line break. @throws CliError as `readText`, or if together they are too long */
export async function readTexts(paths: readonly string[]): Promise<string> {
  const texts: string[] = [];
  let length = 0;
  for (const path of paths) {
    texts.push(await readText(path));
    length += texts.at(-1)!.length + 1;
    if (length > mostBytes) {
      throw badInput(`text files up to ${path} have ${length} characters, expected at most ${mostBytes}. Take fewer`);
    }
  }
  return texts.join("\n");
}

/** @throws CliError if a text has only one distinct character */
export function checkVaried(text: string, paths: readonly string[]): void {
  const first = String.fromCodePoint(text.codePointAt(0)!);
  for (let at = 0; at < text.length; at += first.length) if (!text.startsWith(first, at)) return;
  throw badInput(
    `text file ${paths.join(", ")} holds only the character ${JSON.stringify(first)}, expected at least two different ones. There is nothing to learn: give another text`,
  );
}
