import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { everyAttention } from "@heed/attention/testing";
import { describe, expect, test } from "vitest";
import { combinations, run } from "../src/matrix.ts";
import { table } from "../src/table.ts";

const all = combinations();

describe.each(Object.keys(everyAttention))("%s attention", (attention) => {
  const here = all.filter((one) => one.attention === attention);

  test("trains with every position encoding and objective that it goes with", () => {
    const problems = here
      .filter(({ refusal }) => !refusal)
      .map((one) => ({ ...one, ...run(one) }))
      .filter(({ before, after, finite }) => !(finite && after < before));
    expect(problems).toEqual([]);
  });

  test("does not run where the table says that it cannot", () => {
    for (const one of here.filter(({ refusal }) => refusal?.throws))
      expect(() => run(one), `${one.position}, ${one.objective}`).toThrow(/expected/);
  });
});

test("the table in the docs is not stale; renew it: npm run matrix", () => {
  const page = fileURLToPath(new URL("../../../apps/docs/generated/matrix.md", import.meta.url));
  expect(existsSync(page) && readFileSync(page, "utf8")).toBe(table());
});
