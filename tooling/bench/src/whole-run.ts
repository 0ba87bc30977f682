/** Runs nanoGPT's CPU configuration through our own command line and reports what a user would see: loss, time, memory. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Figures of the run. */
export interface WholeRun {
  readonly exitCode: number;
  readonly seconds: number;
  readonly validationLoss: number | undefined;
  readonly peakMegabytes: number;
  /** Of all threads; says what the time would be worth on an idle machine. */
  readonly cpuSeconds: number;
}

const WANTED = { validationLoss: 1.9, seconds: 240, peakMegabytes: 400 };

const commandLine = fileURLToPath(new URL("../../../packages/cli/src/main.ts", import.meta.url));

/** Has the process tell its peak memory and its CPU time on standard error when it ends. */
const PROBE = `data:text/javascript,process.on("exit", () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  process.stderr.write("\\nresource-usage " + maxRSS + " " + (userCPUTime + systemCPUTime) + "\\n");
})`;

/** Trains 2,000 steps on a text; the output folder is removed afterwards. */
export async function trainWhole(text: string): Promise<WholeRun> {
  const path = resolve(text);
  if (!existsSync(path))
    throw new RangeError(`trainWhole: text is missing, expected a readable file, got "${path}". Pass --text FILE.`);
  const folder = mkdtempSync(join(tmpdir(), "heed-bench-"));
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [
      "--conditions=@heed/source",
      "--no-warnings",
      "--import",
      PROBE.replaceAll("\n", ""),
      commandLine,
      "train",
      path,
      "--preset",
      "nanogpt-cpu",
      "--out",
      join(folder, "run"),
      "--json",
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let validationLoss: number | undefined;
  let peakMegabytes = 0;
  let cpuSeconds = 0;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const found = validationLossOf(line);
    if (found !== undefined) validationLoss = found;
  });
  createInterface({ input: child.stderr }).on("line", (line) => {
    const usage = /^resource-usage (\d+) (\d+)$/.exec(line);
    if (usage === null) {
      if (line !== "") process.stderr.write(`${line}\n`);
      return;
    }
    peakMegabytes = Number(usage[1]) / 1024;
    cpuSeconds = Number(usage[2]) / 1e6;
  });
  const exitCode = await new Promise<number>((done) => child.on("close", (code) => done(code ?? 1)));
  rmSync(folder, { recursive: true, force: true });
  return { exitCode, seconds: (performance.now() - start) / 1000, validationLoss, peakMegabytes, cpuSeconds };
}

/** The loss over the whole validation text in a line of `heed train --json`, if the line tells it. */
export function validationLossOf(line: string): number | undefined {
  if (!line.startsWith("{")) return undefined;
  const { event, loss, whole } = JSON.parse(line) as { event?: unknown; loss?: unknown; whole?: unknown };
  return event === "validation" && whole === true && typeof loss === "number" ? loss : undefined;
}

/** The run as Markdown. */
export function wholeRunMarkdown({ exitCode, seconds, validationLoss, peakMegabytes, cpuSeconds }: WholeRun): string {
  const row = (what: string, value: number | undefined, unit: string, wanted: number): string => {
    const verdict = value !== undefined && value <= wanted ? "reached" : "not reached";
    return `| ${what} | ${value === undefined ? "none" : value.toPrecision(4)}${unit} | at most ${wanted}${unit}: ${verdict} |`;
  };
  return [
    "## nanogpt-cpu: 4 layers, 4 heads, width 128, context 64, batch 12, 2,000 steps, through the command line",
    "",
    "| figure | value | wanted |",
    "| --- | --- | --- |",
    row("validation loss", validationLoss, "", WANTED.validationLoss),
    row("time", seconds, " s", WANTED.seconds),
    row("peak memory", peakMegabytes, " MB", WANTED.peakMegabytes),
    "",
    `exit code ${exitCode}; ${cpuSeconds.toFixed(0)} s of CPU time, all threads together`,
    "",
  ].join("\n");
}
