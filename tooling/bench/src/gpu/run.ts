/** `npm run bench -- gpu [case...] [--node]`: the GPU cases in a page of headless Chromium, or in Node over Dawn. */
import { parseArgs } from "node:util";
import { oneOf, wholeNumber } from "../arguments.ts";
import { describeMachine } from "../machine.ts";
import { writeReport } from "../output.ts";
import { type GpuCase, gpuCases } from "./cases.ts";
import { type GpuHost, openChromium, openNode } from "./hosts.ts";
import type { GpuSideResult } from "./measure.ts";
import { type GpuCaseReport, type GpuReport, gpuCaseReport, gpuMarkdown } from "./report.ts";
import type { GpuLibrary } from "./task.ts";

interface GpuArguments {
  readonly names: readonly string[];
  readonly node: boolean;
  readonly rounds: number;
  readonly limit: number;
  readonly libraries: readonly GpuLibrary[];
  readonly json: string | undefined;
  readonly markdown: string | undefined;
}

const LIBRARIES: readonly GpuLibrary[] = ["heed", "jax", "tfjs", "gpu.js", "gpu.js x4", "adapter"];

/** Rounds of one case stop starting after so many seconds. */
const CASE_SECONDS = 15;

/** Reads the arguments after `gpu`. */
export function readGpuArguments(args: readonly string[]): GpuArguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      node: { type: "boolean", default: false },
      rounds: { type: "string", default: "5" },
      limit: { type: "string", default: "30" },
      sides: { type: "string", default: LIBRARIES.join(",") },
      json: { type: "string" },
      markdown: { type: "string" },
    },
  });
  const known = gpuCases(true).map(({ name }) => name);
  return {
    names: positionals.map((name) => oneOf("case", name, known)),
    node: values.node,
    rounds: wholeNumber("--rounds", values.rounds, 1000),
    limit: wholeNumber("--limit", values.limit, 3600),
    libraries: values.sides.split(",").map((name) => oneOf("--sides", name, LIBRARIES)),
    json: values.json,
    markdown: values.markdown,
  };
}

/** Milliseconds that a side's run of a case will take, by what it took in the smaller one; undefined if nothing is known. */
function predicted({ after }: GpuCase, library: GpuLibrary, done: readonly GpuCaseReport[]): number | undefined {
  const smaller = after && done.find(({ name }) => name === after.name)?.sides.find((side) => side.library === library);
  if (after === undefined || smaller === undefined) return undefined;
  // A side that was too slow for the smaller case is too slow for the larger.
  return smaller.milliseconds ? smaller.milliseconds.min * after.times : Number.POSITIVE_INFINITY;
}

async function measureCase(
  host: GpuHost,
  chosen: GpuCase,
  { rounds, limit, libraries }: GpuArguments,
  done: readonly GpuCaseReport[],
): Promise<readonly GpuSideResult[]> {
  const wanted = chosen.libraries.filter((library) => libraries.includes(library));
  const tooSlow = wanted.flatMap((library): GpuSideResult[] => {
    const milliseconds = predicted(chosen, library, done) ?? 0;
    if (milliseconds <= limit * 1000) return [];
    const guess = Number.isFinite(milliseconds) ? `about ${(milliseconds / 1000).toFixed(0)} s a run` : "even slower";
    const problem = `${guess} by its time in ${chosen.after?.name}; the limit is ${limit} s (--limit)`;
    const none = { launches: 0, submissions: 0 };
    return [{ library, about: {}, milliseconds: [], firstMilliseconds: 0, counts: none, witness: [], problem }];
  });
  const able = wanted.filter((library) => !tooSlow.some((side) => side.library === library));
  const measured =
    able.length === 0
      ? []
      : await host.measure({ task: chosen.task, libraries: able, rounds, seconds: CASE_SECONDS, limit });
  return wanted.flatMap((library) => [...measured, ...tooSlow].filter((side) => side.library === library));
}

/** Runs the GPU benchmark. Returns the exit code. */
export async function runGpu(args: readonly string[]): Promise<number> {
  const options = readGpuArguments(args);
  const machine = describeMachine();
  const host = await (options.node ? openNode() : openChromium());
  try {
    const adapter = await host.adapter();
    if (adapter === undefined) throw new Error("runGpu: the adapter is gone, expected one, got none. Start again.");
    console.error(`${host.name}: ${adapter.name}`);
    const all = gpuCases(adapter.software);
    const isNeeded = ({ name, task }: GpuCase): boolean =>
      options.names.length === 0 ||
      options.names.includes(name) ||
      task.kind === "copy" ||
      task.kind === "multiply-add";
    const cases: GpuCaseReport[] = [];
    const ceilings: Record<string, number> = {};
    for (const chosen of all.filter(isNeeded)) {
      const results = await measureCase(host, chosen, options, cases);
      const report = gpuCaseReport(chosen, results, ceilings);
      cases.push(report);
      const rate = report.sides[0]?.rate;
      if (report.sides[0]?.library === "adapter" && rate !== undefined) ceilings[chosen.name] = rate;
      console.error(
        `${chosen.name}: ${report.sides.map(({ library, milliseconds, problem }) => `${library} ${milliseconds ? `${milliseconds.min.toFixed(2)} ms` : problem}`).join(", ")}`,
      );
    }
    const report: GpuReport = { machine, host: host.name, adapter, date: new Date().toISOString().slice(0, 10), cases };
    const page = gpuMarkdown(report);
    console.log(page);
    const name = options.names.length === 0 ? `performance-gpu-${options.node ? "node" : "chromium"}` : undefined;
    writeReport({ name, report, page, json: options.json, markdown: options.markdown });
    return cases.some(({ disagreement }) => disagreement !== undefined) ? 1 : 0;
  } finally {
    await host.close();
  }
}
