import { expect, test } from "vitest";
import { count, countsLine } from "../src/stage.ts";
import { complaints } from "../src/stages/boundaries.ts";
import { manifestProblems } from "../src/stages/manifests.ts";
import { outcomesOf } from "../src/vitest-report.ts";

const upward = `  x cannot import package \`@heed/attention\` because it is not a dependency
   ,-[/r/packages/positions/src/index.ts:1:1]
`;
const assembly = `  x failed to parse file /r/packages/tensor/wasm/matmul.ts: parser
  | panicked
`;

test("complaints of turbo, but for AssemblyScript that it cannot parse", () => {
  expect(complaints(`• turbo 2\n${assembly}\n${upward}\nChecked 3 files in 2 packages, 2 issues found`)).toHaveLength(
    1,
  );
  expect(complaints(`• turbo 2\n${assembly}\nChecked 3 files in 2 packages, 1 issue found`)).toEqual([]);
  expect(complaints("  × failed to parse file /r/packages/nn/src/index.ts: parser panicked\n")).toHaveLength(1);
});

const test_ = (status: string) => ({
  fullName: `is ${status}`,
  status,
  failureMessages: status === "failed" ? ["no"] : [],
});

test("vitest's report: tests by their number, files that do not load, runs that fail outside of tests", () => {
  const file = (status: string, ...statuses: string[]) => ({
    name: "/r/a.test.ts",
    status,
    message: "",
    assertionResults: statuses.map(test_),
  });
  const counted = (success: boolean, ...testResults: ReturnType<typeof file>[]) =>
    countsLine(count(outcomesOf({ success, testResults }, "/r")));
  expect(counted(true, file("passed", "passed", "passed", "skipped"))).toBe("2 passed, 0 failed, 1 skipped");
  expect(counted(false, file("failed", "passed", "failed"))).toBe("1 passed, 1 failed, 0 skipped");
  expect(counted(false, file("failed"))).toBe("0 passed, 1 failed, 0 skipped");
  expect(counted(false, file("passed", "passed"))).toBe("1 passed, 1 failed, 0 skipped");
  expect(counted(true, file("passed", "todo", "pending"))).toBe("0 passed, 0 failed, 2 skipped");
});

test("manifests that break a rule are told which", () => {
  const good = {
    name: "@heed/a",
    type: "module",
    license: "MIT",
    description: "Things of the alphabet.",
    sideEffects: false,
    engines: { node: ">=20.19" },
    files: ["dist"],
    exports: { ".": { "@heed/source": "a", types: "b", default: "c" }, "./package.json": "./package.json" },
  };
  expect(manifestProblems(good)).toEqual([]);
  expect(manifestProblems({ ...good, sideEffects: undefined, scripts: { postinstall: "x" } })).toEqual([
    "sideEffects is not false",
    "script postinstall would run at installation",
  ]);
  expect(manifestProblems({ ...good, exports: { ".": { default: "c", types: "b" } } })).toEqual([
    "exports . has the conditions default,types, expected @heed/source,types,default",
    'exports has no "./package.json"',
  ]);
});
