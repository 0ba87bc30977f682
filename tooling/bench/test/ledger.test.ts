import { expect, test } from "vitest";
import { againstCase, allCases, type Case } from "../src/cases.ts";
import { againstMarkdown, ledgerMarkdown } from "../src/ledger.ts";
import { besideBestCeilings, reportCase } from "../src/report.ts";
import { openRevision } from "../src/revision.ts";
import type { SideResult } from "../src/rounds.ts";
import type { SideSpec } from "../src/side.ts";

const chosen = allCases({ threads: [1], peers: ["jax"] }).find(({ name }) => name === "matmul-512") as Case;

const result = (spec: SideSpec, rounds: number[][]): SideResult => ({
  spec,
  about: { threads: "1" },
  rounds,
  cpuOfRuns: rounds.flat(),
  witness: [],
  idleShare: 0,
  othersCores: 0,
  peakMegabytes: 1,
});

test("the ledger shows each of our sides beside the peers and the ceiling", () => {
  const milliseconds: Readonly<Record<string, number>> = { heed: 10, jax: 30, machine: 100 };
  const results = chosen.sides.map((spec) => result(spec, [[milliseconds[spec.library] as number]]));
  const page = ledgerMarkdown([reportCase(chosen, results, undefined)]);
  // 2 * 512^3 operations in 10 ms beside 8 * 2^29 in 100 ms.
  expect(page).toContain("| matmul-512 | heed 1t | 10.0 | 0.00 | 26.8 GFLOP/s | 63 % | 3.00 (3.00) |  |  |  |");
});

test("against another revision only heed runs, here and there, and above 1 is faster here", () => {
  const both = againstCase(chosen, "/other", "abc1234");
  expect(both.sides.map(({ label, root }) => [label, root])).toEqual([
    ["heed 1t", undefined],
    ["heed 1t at abc1234", "/other"],
  ]);
  const results = both.sides.map((spec, i) => result(spec, [[i === 0 ? 10 : 15]]));
  const page = againstMarkdown([reportCase(both, results, undefined)], "abc1234");
  expect(page).toContain("| matmul-512 | heed 1t | 10.0 | 0.00 | 15.0 | 0.00 | 1.50 | 1.50 | 1.50 |");
});

test("a revision that does not exist is refused", () => {
  expect(() => openRevision("no-such-revision")).toThrowError(
    /^openRevision: git rev-parse --short --verify no-such-revision\^\{commit\} failed, expected code 0, got 128\. It said: fatal: /,
  );
});

test("a share is of the best ceiling of the run, not of one that was disturbed", () => {
  const report = (machine: number) => {
    const milliseconds: Readonly<Record<string, number>> = { heed: 10, jax: 30, machine };
    const results = chosen.sides.map((spec) => result(spec, [[milliseconds[spec.library] as number]]));
    return reportCase(chosen, results, undefined);
  };
  const shares = besideBestCeilings([report(100), report(400)]).map(({ sides }) => sides[0]?.ofCeiling);
  expect(shares[0]).toBeCloseTo(0.625, 3);
  expect(shares[1]).toBeCloseTo(0.625, 3);
});
