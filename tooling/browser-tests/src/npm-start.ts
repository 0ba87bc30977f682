import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PageSettings } from "./training-page/messages.ts";

/** What `npm start` trained on, and the loss of each of its updates. */
export interface StartedRun {
  readonly text: string;
  readonly losses: readonly number[];
}

type Sizes = Pick<PageSettings, "layers" | "heads" | "width" | "context" | "batch" | "steps">;

/** Runs what `npm start` runs, in Node, in a folder of its own. @throws Error with its output if it fails */
export function npmStart(sizes: Sizes): StartedRun {
  const folder = mkdtempSync(join(tmpdir(), "heed-page-"));
  try {
    const program = fileURLToPath(new URL("../../../packages/cli/src/start.ts", import.meta.url));
    const options = Object.entries(sizes).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["--conditions=@heed/source", program, "--json", "--sample", "0", ...options],
      { cwd: folder, encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`npm start ended with ${status}: ${stderr}`);
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly event: string; readonly loss: number });
    return {
      text: readFileSync(join(folder, "runs/corpus.txt"), "utf8"),
      losses: events.filter(({ event }) => event === "step").map(({ loss }) => loss),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
