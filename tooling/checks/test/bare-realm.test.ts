import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { evaluateInBareRealm } from "../src/stages/realm.ts";

const folder = mkdtempSync(join(tmpdir(), "heed-realm-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ["a pure module", "export const f = () => navigator.gpu;", 0, ""],
  ["looks at navigator", "export const gpu = typeof navigator;", 1, "touched navigator while being imported"],
  ["looks at process", "export const on = globalThis.process?.versions;", 1, "touched process while being imported"],
  ["makes a worker", "export const w = new Worker('x');", 1, "touched Worker while being imported"],
  ["draws", "export const r = Math.random();", 1, "called Math.random while being imported"],
  ["reads the clock", "export const t = Date.now();", 1, "called Date.now while being imported"],
  ["imports a file system", 'import fs from "node:fs"; export const x = fs;', 1, "imports node:fs"],
  ["leaves a global", "globalThis.left = 1; export const x = 1;", 1, "globals changed"],
  ["exports nothing", "const x = 1;", 1, "it exports nothing"],
])("%s", async (name, code, expected, message) => {
  const file = join(folder, `${name.replaceAll(" ", "-")}.mjs`);
  writeFileSync(file, code);
  const result = await evaluateInBareRealm(pathToFileURL(file).href);
  expect(result.output).toContain(message);
  expect(result.code).toBe(expected);
});
