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
  /** Nothing was chosen but where to run: the run that the docs show. */
  readonly whole: boolean;
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
    whole: args.every((word) => word === "--node"),
    rounds: wholeNumber("--rounds", values.rounds, 1000),
    limit: wholeNumber("--limit", values.limit, 3600),
    libraries: values.sides.split(",").map((name) => oneOf("--sides", name, LIBRARIES)),
    json: values.json,
    markdown: values.markdown,
  };
}

/** A case and what was measured of it. */
interface Measured {
  readonly chosen: GpuCase;
  readonly results: readonly GpuSideResult[];
}

/** Milliseconds that a side's run of a case will take, by what it took in the smaller one; undefined if nothing is known. */
function predicted({ after }: GpuCase, library: GpuLibrary, done: readonly Measured[]): number | undefined {
  const smaller = done.find(({ chosen }) => chosen.name === after?.name);
  const side = smaller?.results.find((result) => result.library === library);
  if (after === undefined || side === undefined) return undefined;
  // A side that was too slow for the smaller case is too slow for the larger.
  return side.milliseconds.length > 0 ? Math.min(...side.milliseconds) * after.times : Number.POSITIVE_INFINITY;
}

async function measureCase(
  host: GpuHost,
  chosen: GpuCase,
  { rounds, limit, libraries }: GpuArguments,
  done: readonly Measured[],
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

const isCeiling = ({ task }: GpuCase): boolean => task.kind === "copy" || task.kind === "multiply-add";

const describe = ({ library, milliseconds, problem }: GpuSideResult): string =>
  `${library} ${problem ?? `${Math.min(...milliseconds).toFixed(2)} ms`}`;

/** Measures the ceilings, every case asked for, and the ceilings again: what an adapter can do is the best of both. */
async function measureAll(host: GpuHost, all: readonly GpuCase[], options: GpuArguments): Promise<readonly Measured[]> {
  const { names } = options;
  const done: Measured[] = [];
  for (const chosen of all.filter((one) => names.length === 0 || names.includes(one.name) || isCeiling(one))) {
    const results = await measureCase(host, chosen, options, done);
    done.push({ chosen, results });
    console.error(`${chosen.name}: ${results.map(describe).join(", ")}`);
  }
  const again = new Map<string, readonly GpuSideResult[]>();
  for (const one of all.filter(isCeiling)) again.set(one.name, await measureCase(host, one, options, []));
  return done.map(({ chosen, results }) => ({
    chosen,
    results: results.map((side, i) => ({
      ...side,
      milliseconds: [...side.milliseconds, ...(again.get(chosen.name)?.[i]?.milliseconds ?? [])],
    })),
  }));
}

function reportAll(done: readonly Measured[]): GpuCaseReport[] {
  const ceilings: Record<string, number> = {};
  return done.map(({ chosen, results }) => {
    const report = gpuCaseReport(chosen, results, ceilings);
    const rate = report.sides[0]?.rate;
    if (isCeiling(chosen) && rate !== undefined) ceilings[chosen.name] = rate;
    return report;
  });
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
    const cases = reportAll(await measureAll(host, gpuCases(adapter.software), options));
    const report: GpuReport = { machine, host: host.name, adapter, date: new Date().toISOString().slice(0, 10), cases };
    const page = gpuMarkdown(report);
    console.log(page);
    const name = options.whole ? `performance-gpu-${options.node ? "node" : "chromium"}` : undefined;
    writeReport({ name, report, page, json: options.json, markdown: options.markdown });
    return cases.some(({ disagreement }) => disagreement !== undefined) ? 1 : 0;
  } finally {
    await host.close();
  }
}
