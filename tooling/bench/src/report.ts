/** Turns measured sides into figures, and figures into a table. */
import { type Case, type Comparison, ceilingRate, type Rate } from "./cases.ts";
import type { Machine } from "./machine.ts";
import type { SideResult } from "./rounds.ts";
import { compare, quantile, type Ratio, type Summary, summarize } from "./statistics.ts";

/** One side's figures. */
export interface SideReport {
  readonly label: string;
  readonly about: Readonly<Record<string, string>>;
  readonly milliseconds: Summary;
  /** Least CPU time of a run, all threads together. */
  readonly cpuMilliseconds: number;
  /** By the fastest run. */
  readonly rates: readonly { readonly unit: Rate["unit"]; readonly value: number }[];
  readonly idleShare: number;
  readonly othersCores: number;
  readonly peakMegabytes: number;
}

/** One case's figures. */
export interface CaseReport {
  readonly name: string;
  readonly title: string;
  readonly sides: readonly SideReport[];
  readonly ratios: readonly (Comparison & Ratio)[];
  /** Why the sides' numbers differ, if they do; then the times compare nothing. */
  readonly disagreement?: string;
}

/** The report file. */
export interface Report {
  readonly machine: Machine;
  readonly cases: readonly CaseReport[];
}

/** Above this share of a core, an idle side is said to disturb the others. */
const DISTURBING_SHARE = 0.2;

function sideReport(side: SideResult, rates: readonly Rate[]): SideReport {
  const milliseconds = summarize(side.rounds.flat());
  const own = ceilingRate(side.spec);
  return {
    label: side.spec.label,
    about: side.about,
    milliseconds,
    cpuMilliseconds: quantile(side.cpuOfRuns, 0),
    rates: (own === undefined ? rates : [own]).map(({ unit, perRun }) => ({
      unit,
      value: (perRun * 1000) / milliseconds.min,
    })),
    idleShare: side.idleShare,
    othersCores: side.othersCores,
    peakMegabytes: side.peakMegabytes,
  };
}

/** Figures of a case. */
export function reportCase(
  { name, title, rates, comparisons }: Case,
  results: readonly SideResult[],
  differs: string | undefined,
): CaseReport {
  const times = new Map(results.map((result) => [result.spec.label, result]));
  return {
    name,
    title,
    sides: results.map((result) => sideReport(result, rates)),
    ratios: comparisons.flatMap((comparison) => {
      const ours = times.get(comparison.faster);
      const theirs = times.get(comparison.slower);
      return ours === undefined || theirs === undefined ? [] : [{ ...comparison, ...compare(ours, theirs) }];
    }),
    ...(differs === undefined ? {} : { disagreement: differs }),
  };
}

const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

function sideRow(side: SideReport): string {
  const { label, milliseconds, cpuMilliseconds, rates, idleShare, othersCores, peakMegabytes } = side;
  const { min, median, spread, count } = milliseconds;
  const speed = rates.map(({ unit, value }) => `${figure(value)} ${unit}`).join(", ");
  const idle =
    idleShare > DISTURBING_SHARE ? `${label} (uses ${(idleShare * 100).toFixed(0)} % of a core while idle)` : label;
  const cells = [
    idle,
    figure(min),
    figure(median),
    figure(spread),
    figure(cpuMilliseconds),
    count,
    speed,
    othersCores.toFixed(1),
    peakMegabytes.toFixed(0),
  ];
  return `| ${cells.join(" | ")} |`;
}

function ratioRow({ faster, slower, byMin, byRound, byCpu, wanted }: Comparison & Ratio): string {
  const verdict = wanted === undefined ? "" : byMin >= wanted ? `${wanted}: reached` : `${wanted}: not reached`;
  return `| ${faster} / ${slower} | ${byMin.toFixed(2)} | ${byRound.toFixed(2)} | ${byCpu.toFixed(2)} | ${verdict} |`;
}

/** A case as Markdown; it is what the terminal shows too. */
export function caseMarkdown({ name, title, sides, ratios, disagreement }: CaseReport): string {
  const settings = sides.map(
    ({ label, about }) =>
      `${label}: ${Object.entries(about)
        .map(([key, value]) => `${key} ${value}`)
        .join(", ")}`,
  );
  return [
    `## ${name}: ${title}`,
    "",
    "| side | min ms | median ms | quartile spread ms | min CPU ms | runs | speed of the fastest run | cores others used | peak MB |",
    "| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: |",
    ...sides.map(sideRow),
    "",
    ...(ratios.length === 0
      ? []
      : [
          "| times as fast | by minimum | by round (median) | by CPU time | wanted (by minimum) |",
          "| --- | ---: | ---: | ---: | --- |",
          ...ratios.map(ratioRow),
          "",
        ]),
    ...(disagreement === undefined
      ? []
      : [`**The sides computed different numbers: ${disagreement}. These times compare nothing.**`, ""]),
    settings.join("; "),
    "",
  ].join("\n");
}

/** The head of the report. */
export function machineMarkdown({ cpu, cores, memoryGigabytes, node, load }: Machine): string {
  return `# Benchmark\n\n${cpu}, ${cores} cores, ${memoryGigabytes} GB; Node ${node}; load of others before the run: ${load}. Sides take turns in every round; "by round" is the median of the rounds' own ratios; "by CPU time" compares the least CPU time of a run, all threads together, and hardly depends on the load.\n`;
}
