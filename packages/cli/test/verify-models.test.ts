import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { goldenRoot } from "@heed/test-tools";
import { afterAll, describe, expect, test } from "vitest";
import { chooseBackend } from "../src/backend.ts";
import { jsonLines, run } from "./support.ts";

// Every folder that holds a checkpoint, so that one added there is checked too; parts are checked by verify-units.test.ts.
const isThere = existsSync(goldenRoot());
if (!isThere)
  console.log(`verify-models.test.ts: skipped, because there is no ${goldenRoot()}. Set HEED_GOLDEN to the fixtures`);
const folders = isThere ? readdirSync(goldenRoot()).sort() : [];
const models = folders.filter((name) =>
  ["config.json", "options.json"].some((file) => existsSync(join(goldenRoot(), name, file))),
);

afterAll(() => void chooseBackend());

describe.each(["default", "reference"])("on the %s backend", (backend) => {
  test.runIf(isThere)("there are models", () => expect(models.length).toBeGreaterThan(0));

  test.each(models)("%s: everything that was recorded", { timeout: 60_000 }, async (name) => {
    const { code, stdout, stderr } = await run(goldenRoot(), ["verify", name, "--backend", backend, "--json"]);
    const events = jsonLines(stdout);
    const wrong = events.filter(
      ({ event, status, passed }) =>
        (event === "case" && status !== "passed") || (event === "output" && passed !== true),
    );
    expect(wrong, stderr).toEqual([]);
    expect(code, stderr).toBe(0);
    const { cases, passed } = events.at(-1) as { cases: number; passed: number };
    expect(cases).toBeGreaterThan(0);
    expect(passed).toBe(cases);
  });
});
