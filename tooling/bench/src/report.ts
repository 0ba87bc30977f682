/** Turns measured sides into figures, and figures into a table. */
import { type Case, type Comparison, ceilingRate, type Rate } from "./cases.ts";
import type { Machine } from "./machine.ts";
import type { SideResult } from "./rounds.ts";
import { compare, quantile, type Ratio, type Summary, summarize } from "./statistics.ts";
import type { Library } from "./task.ts";

/** One side's figures. */
export interface SideReport {
  readonly label: string;
  readonly library: Library;
  readonly threads: number;
  readonly about: Readonly<Record<string, string>>;
  readonly milliseconds: Summary;
  /** Least CPU time of a run, all threads together. */
  readonly cpuMilliseconds: number;
  /** By the fastest run. */
  readonly rates: readonly { readonly unit: Rate["unit"]; readonly value: number }[];
  /** Share of the machine's ceiling with as many threads, 0 to 1, both by the fastest run; absent where there is none. */
  readonly ofCeiling?: number;
  readonly idleShare: number;
  readonly othersCores: number;
  readonly peakMegabytes: number;
}

/** One case's figures. */
export interface CaseReport {
  readonly name: string;
  readonly title: string;
  /** The machine's ceiling that took turns with the sides, if one did. */
  readonly ceiling?: Case["ceiling"];
  readonly sides: readonly SideReport[];
  readonly ratios: readonly (Comparison & Ratio)[];
  /** Why the sides' numbers differ, if they do; then the times compare nothing. */
  readonly disagreement?: string;
}

/** The report file. */
export interface Report {
  readonly machine: Machine;
  /** What ran the sides, such as `Node v24.21.0` or `Chromium 156.0`. */
  readonly host: string;
  readonly date: string;
  readonly cases: readonly CaseReport[];
}

/** Above this share of a core, an idle side is said to disturb the others. */
const DISTURBING_SHARE = 0.2;

const fastest = (side: SideResult): number => quantile(side.rounds.flat(), 0);

/** Share of the machine's ceiling that a side's fastest run reached. */
function shareOfCeiling(side: SideResult, { ceiling, rates }: Case, all: readonly SideResult[]): number | undefined {
  const { library, threads } = side.spec;
  const bound = all.find(({ spec }) => spec.task.kind === ceiling && spec.threads === threads);
  const most = bound && ceilingRate(bound.spec);
  const own = rates.find(({ unit }) => unit === most?.unit);
  if (bound === undefined || most === undefined || own === undefined || library === "machine") return undefined;
  return own.perRun / fastest(side) / (most.perRun / fastest(bound));
}

function sideReport(side: SideResult, chosen: Case, all: readonly SideResult[]): SideReport {
  const { label, library, threads } = side.spec;
  const milliseconds = summarize(side.rounds.flat());
  const own = ceilingRate(side.spec);
  const ofCeiling = shareOfCeiling(side, chosen, all);
  return {
    label,
    library,
    threads,
    about: side.about,
    milliseconds,
    cpuMilliseconds: quantile(side.cpuOfRuns, 0),
    rates: (own === undefined ? chosen.rates : [own]).map(({ unit, perRun }) => ({
      unit,
      value: (perRun * 1000) / milliseconds.min,
    })),
    ...(ofCeiling === undefined ? {} : { ofCeiling }),
    idleShare: side.idleShare,
    othersCores: side.othersCores,
    peakMegabytes: side.peakMegabytes,
  };
}

/** Figures of a case. */
export function reportCase(chosen: Case, results: readonly SideResult[], differs: string | undefined): CaseReport {
  const { name, title, comparisons } = chosen;
  const times = new Map(results.map((result) => [result.spec.label, result]));
  return {
    name,
    title,
    ...(chosen.ceiling && { ceiling: chosen.ceiling }),
    sides: results.map((result) => sideReport(result, chosen, results)),
    ratios: comparisons.flatMap((comparison) => {
      const ours = times.get(comparison.faster);
      const theirs = times.get(comparison.slower);
      return ours === undefined || theirs === undefined ? [] : [{ ...comparison, ...compare(ours, theirs) }];
    }),
    ...(differs === undefined ? {} : { disagreement: differs }),
  };
}

/**
 * Shares of the best ceiling that was seen in the whole run, instead of the one beside each case: a machine that was busy just then
 * would make a share too large.
 */
export function besideBestCeilings(cases: readonly CaseReport[]): readonly CaseReport[] {
  const best = new Map<string, number>();
  const machines = cases.flatMap(({ sides }) => sides.filter(({ library }) => library === "machine"));
  for (const { label, rates } of machines) best.set(label, Math.max(best.get(label) ?? 0, rates[0]?.value ?? 0));
  return cases.map((report) => ({
    ...report,
    sides: report.sides.map((side) => {
      if (side.ofCeiling === undefined || report.ceiling === undefined) return side;
      const label = `machine ${report.ceiling} ${side.threads}t`;
      const own = report.sides.find((one) => one.label === label)?.rates[0]?.value ?? 0;
      return { ...side, ofCeiling: (side.ofCeiling * own) / (best.get(label) ?? own) };
    }),
  }));
}

/** Three digits; a page cannot know everything that a process can. */
export const figure = (value: number): string =>
  Number.isNaN(value) ? "unknown" : value >= 100 ? value.toFixed(0) : value.toPrecision(3);

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
    Number.isNaN(othersCores) ? figure(othersCores) : othersCores.toFixed(1),
    figure(peakMegabytes),
  ];
  return `| ${cells.join(" | ")} |`;
}

function ratioRow({ faster, slower, byMin, byRound, byCpu, wanted }: Comparison & Ratio): string {
  const verdict = wanted === undefined ? "" : byMin >= wanted ? `${wanted}: reached` : `${wanted}: not reached`;
  return `| ${faster} / ${slower} | ${byMin.toFixed(2)} | ${byRound.toFixed(2)} | ${Number.isNaN(byCpu) ? figure(byCpu) : byCpu.toFixed(2)} | ${verdict} |`;
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
export function machineMarkdown({ cpu, cores, memoryGigabytes, load }: Machine, host: string, date: string): string {
  return `# Performance: ${host}\n\n${cpu}, ${cores} cores, ${memoryGigabytes} GB; ${host}; ${date}; load of others before the run: ${load}. Sides take turns in every round; "by round" is the median of the rounds' own ratios; "by CPU time" compares the least CPU time of a run, all threads together, and hardly depends on the load.\n`;
}
