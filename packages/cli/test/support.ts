import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type MainOptions, main } from "../src/index.ts";

/** What a command line did. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A new folder that is removed when the test file ends. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "heed-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs a command line inside this process. */
export async function run(cwd: string, args: readonly string[], options: Partial<MainOptions> = {}): Promise<Ended> {
  let [stdout, stderr] = ["", ""];
  const streams = {
    stdout: { write: (text: string) => void (stdout += text) },
    stderr: { write: (text: string) => void (stderr += text) },
  };
  const code = await main(args, streams, { cwd, ...options });
  return { code, stdout, stderr };
}

/** `[code] what was said`, with the folder of the test written as TMP. */
export const sentence = (cwd: string, { code, stderr }: Ended): string =>
  `[${code}] ${stderr.replaceAll(cwd, "TMP").trimEnd()}`;

/** The objects of a JSON-mode output; throws if a line is not one. */
export function jsonLines(stdout: string): Record<string, unknown>[] {
  if (stdout !== "" && !stdout.endsWith("\n")) throw new Error(`the last line has no end: ${stdout.slice(-80)}`);
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The smallest model that still has every part. */
export const tinyModel = ["--layers", "1", "--heads", "2", "--width", "8", "--context", "8", "--batch", "2"];

/** A text with some structure, `length` characters. */
export function someText(length: number): string {
  const words = "the cat sat on a mat and the dog ran to the sea ";
  let text = "";
  for (let i = 0; text.length < length; i++) text += words.slice((i * 7) % 24, ((i * 7) % 24) + 12 + (i % 9));
  return text.slice(0, length);
}
