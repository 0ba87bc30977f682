/** What became of one check. */
export interface Outcome {
  readonly name: string;
  readonly status: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped. */
  readonly reason?: string;
}

export interface Stage {
  readonly name: string;
  readonly title: string;
  run(): Promise<readonly Outcome[]>;
}

export const passed = (name: string): Outcome => ({ name, status: "passed" });
export const failed = (name: string, reason: string): Outcome => ({ name, status: "failed", reason });
export const skipped = (name: string, reason: string): Outcome => ({ name, status: "skipped", reason });

/** One check that passes if nothing is wrong. */
export function outcome(name: string, problems: readonly string[]): Outcome {
  return problems.length === 0 ? passed(name) : failed(name, problems.join("\n"));
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function count(outcomes: readonly Outcome[]): Counts {
  const of = (status: Outcome["status"]) => outcomes.filter((one) => one.status === status).length;
  return { passed: of("passed"), failed: of("failed"), skipped: of("skipped") };
}

export function countsLine(counts: Counts): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}
