/** Figures of the GPU cases, and the tables that show them. */
import type { Machine } from "../machine.ts";
import { quantile, type Summary, summarize } from "../statistics.ts";
import type { GpuCase, GpuPeer } from "./cases.ts";
import type { GpuSideResult } from "./measure.ts";
import type { AdapterDescription } from "./realm.ts";
import type { GpuLibrary } from "./task.ts";

/** One side's figures, or why there are none. */
export interface GpuSideReport {
  readonly library: GpuLibrary;
  readonly about: Readonly<Record<string, string>>;
  readonly milliseconds?: Summary;
  readonly firstMilliseconds?: number;
  /** By the fastest run. */
  readonly rate?: number;
  /** Share of the adapter's ceiling, 0 to 1. */
  readonly ofCeiling?: number;
  readonly launches?: number;
  readonly submissions?: number;
  readonly problem?: string;
}

/** How many times as fast as a peer heed is, by the fastest runs and by the median of the rounds' own ratios. */
export interface GpuRatio {
  readonly peer: GpuPeer;
  readonly byMin: number;
  readonly byRound: number;
  readonly wanted?: number;
}

/** One case's figures. */
export interface GpuCaseReport {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly sides: readonly GpuSideReport[];
  readonly ratios: readonly GpuRatio[];
  readonly disagreement?: string;
}

/** The report file. */
export interface GpuReport {
  readonly machine: Machine;
  readonly host: string;
  readonly adapter: AdapterDescription;
  readonly date: string;
  readonly cases: readonly GpuCaseReport[];
}

/** Best rates of the adapter, as measured so far. */
export type Ceilings = Readonly<Partial<Record<"copy" | "multiply-add", number>>>;

function rateOf({ rate }: GpuCase, milliseconds: number): number {
  return rate.unit === "us per operation" ? (milliseconds * 1000) / rate.perRun : (rate.perRun * 1000) / milliseconds;
}

function sideReport(chosen: GpuCase, side: GpuSideResult, ceilings: Ceilings): GpuSideReport {
  const { library, about, problem } = side;
  if (problem !== undefined) return { library, about, problem };
  const milliseconds = summarize(side.milliseconds);
  const rate = rateOf(chosen, milliseconds.min);
  const ceiling = chosen.ceiling && ceilings[chosen.ceiling];
  return {
    library,
    about,
    milliseconds,
    firstMilliseconds: side.firstMilliseconds,
    rate,
    ...(ceiling && { ofCeiling: rate / ceiling }),
    launches: side.counts.launches,
    submissions: side.counts.submissions,
  };
}

function ratiosOf({ wanted }: GpuCase, results: readonly GpuSideResult[]): GpuRatio[] {
  const ran = results.filter(({ milliseconds }) => milliseconds.length > 0);
  const own = ran.find(({ library }) => library === "heed");
  if (own === undefined) return [];
  const best = (libraries: readonly GpuLibrary[]): GpuSideResult | undefined =>
    ran
      .filter(({ library }) => libraries.includes(library))
      .sort((a, b) => quantile(a.milliseconds, 0) - quantile(b.milliseconds, 0))[0];
  const rivals: readonly [GpuPeer, GpuSideResult | undefined][] = [
    ["jax", best(["jax"])],
    ["tfjs", best(["tfjs"])],
    ["best of gpu.js", best(["gpu.js", "gpu.js x4"])],
  ];
  return rivals.flatMap(([peer, rival]) => {
    if (rival === undefined) return [];
    const both = Math.min(own.milliseconds.length, rival.milliseconds.length);
    const rounds = Array.from(
      { length: both },
      (_, round) => (rival.milliseconds[round] as number) / (own.milliseconds[round] as number),
    );
    const byMin = quantile(rival.milliseconds, 0) / quantile(own.milliseconds, 0);
    const least = wanted[peer];
    return [{ peer, byMin, byRound: quantile(rounds, 0.5), ...(least !== undefined && { wanted: least }) }];
  });
}

/** Where sides that ran show other numbers than the first of them; undefined when they agree within `tolerance`. */
export function disagreementOf(results: readonly GpuSideResult[], tolerance: number): string | undefined {
  const [first, ...others] = results.filter(({ problem }) => problem === undefined);
  if (first === undefined) return undefined;
  for (const other of others) {
    if (other.witness.length !== first.witness.length)
      return `${other.library} shows ${other.witness.length} numbers, ${first.library} ${first.witness.length}`;
    for (const [i, value] of other.witness.entries()) {
      const expected = first.witness[i] as number;
      if (!(Math.abs(value - expected) <= tolerance * (1 + Math.abs(expected))))
        return `number ${i} is ${value} at ${other.library}, ${expected} at ${first.library}`;
    }
  }
  return undefined;
}

/** Figures of a case. */
export function gpuCaseReport(chosen: GpuCase, results: readonly GpuSideResult[], ceilings: Ceilings): GpuCaseReport {
  const differs = disagreementOf(results, 1e-3);
  return {
    name: chosen.name,
    title: chosen.title,
    unit: chosen.rate.unit,
    sides: results.map((side) => sideReport(chosen, side, ceilings)),
    ratios: ratiosOf(chosen, results),
    ...(differs !== undefined && { disagreement: differs }),
  };
}

const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

function sideRow(name: string, unit: string, side: GpuSideReport): string {
  const { library, milliseconds, rate, ofCeiling, launches, submissions, problem } = side;
  if (milliseconds === undefined) return `| ${name} | ${library} | did not run: ${problem ?? ""} |  |  |  |  |  |  |`;
  const cells = [
    name,
    library,
    figure(milliseconds.min),
    figure(milliseconds.spread),
    milliseconds.count,
    `${figure(rate ?? 0)} ${unit}`,
    ofCeiling === undefined ? "" : `${(ofCeiling * 100).toFixed(0)} %`,
    launches,
    submissions,
  ];
  return `| ${cells.join(" | ")} |`;
}

function ratioCell(ratios: readonly GpuRatio[], peer: GpuPeer): string {
  const found = ratios.find((ratio) => ratio.peer === peer);
  if (found === undefined) return "";
  const { byMin, byRound, wanted } = found;
  const verdict = wanted === undefined ? "" : byMin >= wanted ? `, ${wanted} reached` : `, ${wanted} not reached`;
  return `${byMin.toFixed(2)} (${byRound.toFixed(2)}${verdict})`;
}

/** Everything as Markdown: the ratios first, then every side's figures. */
export function gpuMarkdown({ machine, host, adapter, date, cases }: GpuReport): string {
  const peers: readonly GpuPeer[] = ["jax", "tfjs", "best of gpu.js"];
  const compared = cases.filter(({ ratios }) => ratios.length > 0);
  const versions = new Map<string, string>();
  for (const { sides } of cases)
    for (const { library, about } of sides)
      if (Object.keys(about).length > 0 && !versions.has(library))
        versions.set(
          library,
          Object.entries(about)
            .map(([key, value]) => `${key} ${value}`)
            .join(", "),
        );
  const wrong = cases.filter(({ disagreement }) => disagreement !== undefined);
  return [
    `# Performance on WebGPU: ${host}`,
    "",
    `Adapter: ${adapter.name}${adapter.software ? " (made of software: its times only rank, and cases are smaller than on a GPU)" : ""}. ${machine.cpu}, ${machine.cores} cores; load of others before the run: ${machine.load}. ${date}.`,
    "",
    "## How many times as fast heed is",
    "",
    "By the fastest runs; in parentheses the median of the rounds' own ratios, and what is wanted.",
    "",
    `| case | ${peers.join(" | ")} |`,
    "| --- | --- | --- | --- |",
    ...compared.map(({ name, ratios }) => `| ${[name, ...peers.map((peer) => ratioCell(ratios, peer))].join(" | ")} |`),
    "",
    "## Every side",
    "",
    "| case | side | min ms | quartile spread ms | runs | by the fastest run | of the adapter's ceiling | launches | submissions |",
    "| --- | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |",
    ...cases.flatMap(({ name, unit, sides }) => sides.map((side) => sideRow(name, unit, side))),
    "",
    ...wrong.map(({ name, disagreement }) => `**${name}: the sides computed different numbers: ${disagreement}.**\n`),
    "## Cases",
    "",
    ...cases.map(({ name, title }) => `- ${name}: ${title}`),
    "",
    "## Versions",
    "",
    ...[...versions].map(([library, about]) => `- ${library}: ${about}`),
    "",
  ].join("\n");
}
