/** `npm run bench -- [case...]`: measures this repository beside its peers, all sides taking turns in one run, and prints ratios. */
import { type Arguments, readArguments, WHOLE_RUN } from "./arguments.ts";
import { openBrowserSides } from "./browser/open-sides.ts";
import { againstCase, allCases, type Case } from "./cases.ts";
import { againstMarkdown, ledgerMarkdown } from "./ledger.ts";
import { describeMachine } from "./machine.ts";
import { writeReport } from "./output.ts";
import { profile } from "./profile.ts";
import {
  besideBestCeilings,
  type CaseReport,
  caseMarkdown,
  machineMarkdown,
  type Report,
  reportCase,
} from "./report.ts";
import { openRevision } from "./revision.ts";
import { disagreement, interleave } from "./rounds.ts";
import { type OpenSideFn, openSide } from "./side.ts";
import { trainWhole, wholeRunMarkdown } from "./whole-run.ts";

const caseNames = allCases({ threads: [1, 2], peers: [] }).map(({ name }) => name);

/** Where sides live in this run, and against which tree if any. */
interface Place {
  /** `Node v24.21.0` or `Chromium 156.0`. */
  readonly host: string;
  readonly openSide: OpenSideFn;
  readonly prepare: (chosen: Case) => Case;
  /** Short id of the other revision. */
  readonly against?: string;
  close(): Promise<void>;
}

async function openPlace({ browser, against }: Arguments): Promise<Place> {
  if (browser) {
    const sides = await openBrowserSides();
    // 256-bit vectors need a flag of Node's.
    const prepare = (chosen: Case): Case => ({
      ...chosen,
      sides: chosen.sides.filter(({ library }) => library !== "heed-wide"),
    });
    return { host: sides.browser, openSide: sides.openSide, prepare, close: sides.close };
  }
  const host = `Node ${process.version}`;
  if (against === undefined) return { host, openSide, prepare: (chosen) => chosen, close: async () => undefined };
  const { id, root, close } = openRevision(against);
  return {
    host,
    openSide,
    prepare: (chosen) => againstCase(chosen, root, id),
    against: id,
    close: async () => close(),
  };
}

async function measure(chosen: Case, rounds: number | undefined, open: OpenSideFn): Promise<CaseReport> {
  const results = await interleave(chosen.sides, { rounds: rounds ?? chosen.rounds, warmUps: chosen.warmUps, open });
  // Ceilings compute nothing that could be compared.
  const computing = results.filter(({ spec }) => spec.library !== "machine");
  return reportCase(chosen, results, disagreement(computing, chosen.tolerance));
}

async function measureAll(options: Arguments, place: Place): Promise<CaseReport[]> {
  const reports: CaseReport[] = [];
  for (const chosen of allCases(options).filter(({ name }) => options.cases.includes(name))) {
    const prepared = place.prepare(chosen);
    if (prepared.sides.length === 0) continue;
    const report = await measure(prepared, options.rounds, place.openSide);
    reports.push(report);
    console.log(caseMarkdown(report));
  }
  return reports;
}

async function compare(options: Arguments): Promise<number> {
  const machine = describeMachine();
  const place = await openPlace(options);
  const date = new Date().toISOString().slice(0, 10);
  const head = machineMarkdown(machine, place.host, date);
  console.log(head);
  try {
    const cases = besideBestCeilings(await measureAll(options, place));
    const table = place.against === undefined ? ledgerMarkdown(cases) : againstMarkdown(cases, place.against);
    console.log(table);
    const pages = [head, table, ...cases.map(caseMarkdown)];
    let failed = cases.some((report) => report.disagreement !== undefined);
    if (options.cases.includes(WHOLE_RUN)) {
      const whole = await trainWhole(options.text);
      pages.push(wholeRunMarkdown(whole));
      console.log(pages.at(-1));
      failed ||= whole.exitCode !== 0;
    }
    const report: Report = { machine, host: place.host, date, cases };
    const name = options.whole ? `performance-${options.browser ? "browser" : "node"}` : undefined;
    writeReport({ name, report, page: pages.join("\n"), json: options.json, markdown: options.markdown });
    return failed ? 1 : 0;
  } finally {
    await place.close();
  }
}

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === "gpu") return (await import("./gpu/run.ts")).runGpu(args.slice(1));
  if (args[0] === "profile") {
    const { cases, threads, peers } = readArguments(args.slice(1), caseNames);
    await profile(cases[0] as string, threads[0] as number, peers.length === 1 && peers[0] === "heed-wide");
    return 0;
  }
  return compare(readArguments(args, caseNames));
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof RangeError || error instanceof TypeError ? error.message : error);
  process.exitCode = 2;
}
