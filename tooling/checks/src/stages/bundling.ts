import { command } from "../command.ts";
import { failed, type Outcome, passed, type Stage, skipped } from "../stage.ts";
import { at, pinnedNode } from "../workspace.ts";

interface Line {
  readonly name?: string;
  readonly reason?: string;
  readonly skipped?: string;
  readonly size?: string;
  readonly files?: number;
  readonly bytes?: number;
  readonly gzip?: number;
  readonly end?: number;
}

const kilobytes = (bytes = 0): string => `${(bytes / 1000).toFixed(1)} kB`;

/** What became of the check that a line tells of. A browser that is missing is a failure where everything has to run. */
function outcomesOf({ name, reason, skipped: left }: Line): Outcome[] {
  if (left !== undefined) return [process.env.CI ? failed(left, reason ?? "") : skipped(left, reason ?? "")];
  if (name === undefined) return [];
  return [reason === undefined ? passed(name) : failed(name, reason)];
}

/** Programs that import the built packages, built by what users build with, and run. Needs the build. */
export const bundling: Stage = {
  name: "bundling",
  title: "Vite, webpack, esbuild, static files and servers, with and without the GPU package",
  async run() {
    // Without the condition under which this process finds sources: users have builds.
    const { code, output, stdout } = await command(pinnedNode, [at("tooling/browser-tests/bundling/main.ts")], {
      cwd: at(),
      limit: 600,
    });
    const lines = stdout
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Line);
    for (const { size, files, bytes, gzip } of lines.filter((line) => line.size !== undefined))
      console.log(`${size}: ${files} scripts, ${kilobytes(bytes)}, ${kilobytes(gzip)} as gzip`);
    const outcomes = lines.flatMap(outcomesOf);
    const announced = lines.find((line) => line.end !== undefined)?.end ?? 0;
    const checked = lines.filter((line) => line.name !== undefined).length;
    if (code === 0 && announced === checked && announced > 0) return outcomes;
    return [...outcomes, failed("bundling", `ended with code ${code} after ${checked} checks\n${output.slice(-2000)}`)];
  },
};
