import { failed, type Outcome, passed, skipped } from "./stage.ts";

/** The part of vitest's JSON report that is read here. */
export interface VitestReport {
  readonly success: boolean;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/** One outcome per test; a file that does not load counts as one failure, and so does a run that failed with no test to blame. */
export function outcomesOf(report: VitestReport, root: string): Outcome[] {
  const outcomes: Outcome[] = [];
  for (const file of report.testResults) {
    const path = file.name.startsWith(root) ? file.name.slice(root.length + 1) : file.name;
    for (const test of file.assertionResults) {
      const name = `${path} > ${test.fullName}`;
      if (test.status === "passed") outcomes.push(passed(name));
      else if (test.status === "failed") outcomes.push(failed(name, (test.failureMessages ?? []).join("\n")));
      else outcomes.push(skipped(name, "the test file leaves it out and prints why"));
    }
    const blamed = file.assertionResults.some((test) => test.status === "failed");
    if (file.status === "failed" && !blamed) outcomes.push(failed(path, file.message || "the file does not load"));
  }
  const anyFailed = outcomes.some((one) => one.status === "failed");
  if (!report.success && !anyFailed)
    outcomes.push(failed("vitest", "the run failed outside of every test; see its output above"));
  return outcomes;
}
