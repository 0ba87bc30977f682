import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonLines, run, sentence, someText, temporaryFolder, tinyModel } from "./support.ts";

const { path: cwd, remove } = temporaryFolder();
afterAll(remove);

const at = (...names: string[]): string => join(cwd, ...names);
const options = ["--steps", "40", "--save-every", "10", "--eval-every", "15", "--sample", "0"];
const trains = (...args: string[]) => run(cwd, ["train", "text.txt", ...tinyModel, ...options, ...args]);
const resumes = (out: string, ...args: string[]) =>
  run(cwd, ["train", "--resume", "--out", out, "--sample", "0", ...args]);
const weightsOf = (out: string): Buffer => readFileSync(at(out, "model.safetensors"));

/** As a run that stopped at step 30 leaves its folder: the export and the last snapshot are not there. */
function stopped(name: string, from = "whole"): string {
  cpSync(at(from), at(name), { recursive: true });
  const snapshots = readdirSync(at(name, "run")).filter((entry) => entry.startsWith("snapshot-"));
  rmSync(at(name, "run", snapshots.sort().at(-1)!), { recursive: true });
  for (const entry of readdirSync(at(name))) if (entry !== "run") rmSync(at(name, entry));
  return at(name, "run");
}

const newest = (folder: string): string =>
  join(
    folder,
    readdirSync(folder)
      .filter((entry) => entry.startsWith("snapshot-"))
      .sort()
      .at(-1)!,
  );

beforeAll(async () => {
  writeFileSync(at("text.txt"), someText(3000));
  const ended = await trains("--out", "whole", "--dropout", "0.1");
  if (ended.code !== 0) throw new Error(ended.stderr);
  const second = await trains("--out", "two", "--dropout", "0.1");
  if (second.code !== 0) throw new Error(second.stderr);
});

test("the same command gives the same bytes", () => {
  expect(weightsOf("two").equals(weightsOf("whole"))).toBe(true);
  expect(readFileSync(join(newest(at("two", "run")), "state.json"), "utf8")).toBe(
    readFileSync(join(newest(at("whole", "run")), "state.json"), "utf8"),
  );
});

test("a stopped run continues to the same bytes", async () => {
  stopped("stopped");
  const { code, stdout } = await resumes("stopped");
  expect(code).toBe(0);
  expect(stdout).toContain("continuing at step 30 of 40");
  expect(weightsOf("stopped").equals(weightsOf("whole"))).toBe(true);
  expect(readFileSync(join(newest(at("stopped", "run")), "state.json"), "utf8")).toBe(
    readFileSync(join(newest(at("whole", "run")), "state.json"), "utf8"),
  );
});

test("a finished run that is continued writes its folder again and changes nothing", async () => {
  cpSync(at("whole"), at("finished"), { recursive: true });
  rmSync(at("finished", "model.safetensors"));
  const before = readdirSync(at("finished", "run")).sort();
  const { code, stdout } = await resumes("finished", "--json");
  expect(code).toBe(0);
  expect(jsonLines(stdout).map(({ event }) => event)).toEqual(["start", "done"]);
  expect(readdirSync(at("finished", "run")).sort()).toEqual(before);
  expect(weightsOf("finished").equals(weightsOf("whole"))).toBe(true);
});

test.each([
  ["cut short", (snapshot: string) => truncateSync(join(snapshot, "weights.safetensors"), 50)],
  [
    "with a flipped bit",
    (snapshot: string) => {
      const path = join(snapshot, "optimizer.safetensors");
      const bytes = readFileSync(path);
      bytes[bytes.length - 5]! ^= 4;
      writeFileSync(path, bytes);
    },
  ],
  ["without its manifest", (snapshot: string) => rmSync(join(snapshot, "manifest.json"))],
])("a snapshot %s is passed over, and the one before is used", async (name, damage) => {
  const out = name.replaceAll(" ", "-");
  cpSync(at("whole"), at(out), { recursive: true });
  rmSync(at(out, "model.safetensors"));
  damage(newest(at(out, "run")));
  const { code, stderr, stdout } = await resumes(out);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^snapshot snapshot-\d{6} cannot be used \(.*\); the one before, snapshot-\d{6}, is$/m);
  expect(stdout).toContain("continuing at step 30 of 40");
  expect(weightsOf(out).equals(weightsOf("whole"))).toBe(true);
});

test("a snapshot of another model is passed over", async () => {
  const other = await run(cwd, ["train", "text.txt", ...tinyModel, ...options, "--width", "16", "--out", "other"]);
  expect(other.code).toBe(0);
  const folder = stopped("mixed");
  cpSync(newest(at("other", "run")), join(folder, "snapshot-000099"), { recursive: true });
  const { code, stderr } = await resumes("mixed");
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^snapshot snapshot-000099 cannot be used \(it is of another run: dropout 0, expected 0\.1;.* width 16, expected 8\)/m,
  );
  expect(weightsOf("mixed").equals(weightsOf("whole"))).toBe(true);
});

test("a run without a usable snapshot says why", async () => {
  const folder = stopped("broken");
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith("snapshot-"))) {
    truncateSync(join(folder, name, "weights.safetensors"), 9);
  }
  const said = sentence(cwd, await resumes("broken"));
  expect(said).toMatch(
    /^\[3\] heed: train: no snapshot in TMP\/broken can be used, expected one of this run, got snapshot-/,
  );
  expect(said).toContain("Start another run with another --out");
});

test("other settings, another text or other files are told apart", async () => {
  stopped("strict");
  expect(sentence(cwd, await resumes("strict", "--width", "16", "--seed", "1337"))).toMatchInlineSnapshot(
    `"[2] heed: train: --resume continues a run with the settings it was started with, expected the same or none, got --width 16 (the run has 8). Leave these options out, or start another run with another --out"`,
  );
  expect(sentence(cwd, await resumes("strict", "--preset", "nanogpt-cpu"))).toContain("--layers 4 (the run has 1)");
  writeFileSync(at("changed.txt"), someText(3001));
  expect(sentence(cwd, await run(cwd, ["train", "changed.txt", "--resume", "--out", "strict"]))).toMatchInlineSnapshot(
    `"[3] heed: train: the text of TMP/text.txt has changed since the run started, expected checksum 1bd560ed, got 37cc84e0. Restore it, or start another run with another --out"`,
  );
  cpSync(at("text.txt"), at("moved.txt"));
  const moved = await run(cwd, [
    "train",
    "moved.txt",
    "--resume",
    "--out",
    "strict",
    "--sample",
    "0",
    "--save-every",
    "3",
  ]);
  expect(moved.code).toBe(0);
  expect(weightsOf("strict").equals(weightsOf("whole"))).toBe(true);
});

test("a start that was cut short before its first snapshot can be made again", async () => {
  mkdirSync(at("again", "run", "unfinished-snapshot-000001"), { recursive: true });
  cpSync(at("whole", "run", "settings.json"), at("again", "run", "settings.json"));
  expect((await trains("--out", "again")).code).toBe(0);
});

test("a text in two halves is saved and found again, one run a folder", async () => {
  writeFileSync(at("first.txt"), someText(900));
  writeFileSync(at("second.txt"), someText(700));
  const { code, stdout } = await run(cwd, [
    "train",
    "first.txt",
    "second.txt",
    ...tinyModel,
    "--steps",
    "2",
    "--out",
    "both",
    "--json",
  ]);
  expect(code).toBe(0);
  const [start] = jsonLines(stdout) as [{ trainTokens: number; validationTokens: number }];
  expect(start.trainTokens + start.validationTokens).toBe(1601);
});

test("generation repeats itself, and evaluation is that of training", async () => {
  const generated = async (...args: string[]) =>
    (await run(cwd, ["generate", "whole", "--prompt", "the ", "--tokens", "40", ...args])).stdout;
  expect(await generated()).toBe(await generated());
  expect(await generated("--seed", "1")).not.toBe(await generated());
  expect(await generated("--temperature", "0", "--seed", "1")).toBe(await generated("--temperature", "0"));
  expect((await generated()).startsWith("the ")).toBe(true);
  const text = someText(3000);
  writeFileSync(at("validation.txt"), text.slice(Math.floor(text.length * 0.9)));
  const evaluated = jsonLines((await run(cwd, ["eval", "whole", "validation.txt", "--batch", "2", "--json"])).stdout);
  const state = JSON.parse(readFileSync(join(newest(at("whole", "run")), "state.json"), "utf8"));
  expect(evaluated[0]!["loss"]).toBe(state.state.metrics.validation.at(-1).loss);
});
