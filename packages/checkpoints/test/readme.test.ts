import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const NODE = fileURLToPath(new URL("../../../node_modules/node/bin/node", import.meta.url));

test("the examples of the README run, and print what their comments say", () => {
  const blocks = [...readFileSync(`${PACKAGE}/README.md`, "utf8").matchAll(/```ts\n(.*?)```/gs)].map(
    (match) => match[1]!,
  );
  expect(blocks).toHaveLength(1);
  for (const code of blocks) {
    const expected = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map((match) => match[1]);
    expect(expected).toHaveLength(2);
    const printed = execFileSync(
      NODE,
      ["--conditions=@heed/source", "--input-type=module-typescript", "--eval", code],
      { cwd: PACKAGE, encoding: "utf8" },
    );
    expect(printed.trim().split("\n")).toEqual(expected);
  }
});
