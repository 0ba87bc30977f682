import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startMain } from "../src/start-main.ts";
import { jsonLines, someText, temporaryFolder, tinyModel } from "./support.ts";

const { path: cwd, remove } = temporaryFolder();
afterAll(remove);

async function starts(...args: string[]) {
  let [stdout, stderr] = ["", ""];
  const streams = {
    stdout: { write: (text: string) => void (stdout += text) },
    stderr: { write: (text: string) => void (stderr += text) },
  };
  const code = await startMain([...args, "--json"], streams, { cwd });
  const [start] = jsonLines(stdout) as [{ settings: { files: string[]; steps: number }; out: string; from: number }];
  return { code, stderr, start };
}

const tiny = [...tinyModel, "--steps", "2", "--sample", "0"];

test("trains on the text that comes with it, each time in a new folder", async () => {
  const first = await starts(...tiny);
  expect(first.code, first.stderr).toBe(0);
  expect(first.start.settings.files).toEqual([join(cwd, "runs/corpus.txt")]);
  expect(statSync(join(cwd, "runs/corpus.txt")).size).toBeGreaterThanOrEqual(500_000);
  expect(existsSync(join(cwd, "runs/start/model.safetensors"))).toBe(true);
  const text = readFileSync(join(cwd, "runs/corpus.txt"), "utf8");
  expect((await starts(...tiny)).start.out).toBe(join(cwd, "runs/start-2"));
  expect(readFileSync(join(cwd, "runs/corpus.txt"), "utf8")).toBe(text);
});

test("trains on the user's text, and continues its last run", async () => {
  writeFileSync(join(cwd, "my.txt"), someText(2000));
  const mine = await starts("my.txt", ...tiny);
  expect(mine.start.settings.files).toEqual([join(cwd, "my.txt")]);
  const { out } = mine.start;
  expect(out).toBe(
    join(cwd, `runs/start-${readdirSync(join(cwd, "runs")).filter((name) => name !== "corpus.txt").length}`),
  );
  const again = await starts("--resume", "--sample", "0");
  expect(again.code, again.stderr).toBe(0);
  expect(again.start).toMatchObject({ out, from: 2 });
});

test("a preset that is asked for goes before its own settings", async () => {
  const { start } = await starts("my.txt", "--preset", "nanogpt-cpu", ...tiny);
  expect(start.settings).toMatchObject({ steps: 2, lr: 1e-3 });
  expect((await starts("my.txt", ...tiny)).start.settings).toMatchObject({ steps: 2, lr: 3e-3 });
});
