/** `npm run bench -- [case...]`: measures this repository beside its peers, all sides taking turns in one run, and prints ratios. */
import { writeFileSync } from "node:fs";
import { readArguments, WHOLE_RUN } from "./arguments.ts";
import { allCases, type Case } from "./cases.ts";
import { describeMachine } from "./machine.ts";
import { profile } from "./profile.ts";
import { type CaseReport, caseMarkdown, machineMarkdown, type Report, reportCase } from "./report.ts";
import { disagreement, interleave } from "./rounds.ts";
import { trainWhole, wholeRunMarkdown } from "./whole-run.ts";

const caseNames = allCases({ threads: [1, 2], peers: [] }).map(({ name }) => name);

async function measure(chosen: Case, rounds: number | undefined): Promise<CaseReport> {
  const results = await interleave(chosen.sides, { rounds: rounds ?? chosen.rounds, warmUps: chosen.warmUps });
  // Ceilings compute nothing that could be compared.
  const computing = results.filter(({ spec }) => spec.library !== "machine");
  return reportCase(chosen, results, disagreement(computing, chosen.tolerance));
}

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === "profile") {
    const { cases, threads, peers } = readArguments(args.slice(1), caseNames);
    await profile(cases[0] as string, threads[0] as number, peers.length === 1 && peers[0] === "heed-wide");
    return 0;
  }
  if (args[0] === "gpu") return (await import("./gpu/run.ts")).runGpu(args.slice(1));
  const options = readArguments(args, caseNames);
  const machine = describeMachine();
  const pages: string[] = [machineMarkdown(machine)];
  const say = (page: string): void => {
    pages.push(page);
    console.log(page);
  };
  console.log(pages[0]);
  const reports: CaseReport[] = [];
  for (const chosen of allCases(options).filter(({ name }) => options.cases.includes(name))) {
    const report = await measure(chosen, options.rounds);
    reports.push(report);
    say(caseMarkdown(report));
  }
  let failed = reports.some((report) => report.disagreement !== undefined);
  if (options.cases.includes(WHOLE_RUN)) {
    const whole = await trainWhole(options.text);
    say(wholeRunMarkdown(whole));
    failed ||= whole.exitCode !== 0;
  }
  const report: Report = { machine, cases: reports };
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
  if (options.markdown !== undefined) writeFileSync(options.markdown, pages.join("\n"));
  return failed ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof RangeError || error instanceof TypeError ? error.message : error);
  process.exitCode = 2;
}
