import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonLines, someText, temporaryFolder } from "../support.ts";
import { heed, heedAfter, start } from "./process.ts";

const { path: cwd, remove } = temporaryFolder();
afterAll(remove);

const settings = [
  "--layers",
  "1",
  "--heads",
  "2",
  "--width",
  "16",
  "--context",
  "16",
  "--batch",
  "4",
  "--steps",
  "200",
];
const pace = ["--save-every", "25", "--eval-every", "40", "--dropout", "0.1", "--accumulate", "2"];
const train = (out: string, ...more: string[]) => ["train", "text.txt", ...settings, ...pace, "--out", out, ...more];
const resume = (out: string) => ["train", "--resume", "--out", out, "--json"];

/** Every byte that a finished run leaves: the exported folder and its last snapshot. */
function result(out: string): Record<string, string> {
  const folder = join(cwd, out);
  const last = readdirSync(join(folder, "run"))
    .filter((name) => name.startsWith("snapshot-"))
    .sort()
    .at(-1)!;
  const exported = readdirSync(folder).filter((name) => name !== "run");
  const files = [
    ...exported.map((name) => [name, join(folder, name)] as const),
    ...readdirSync(join(folder, "run", last)).map((name) => [`run/${name}`, join(folder, "run", last, name)] as const),
  ];
  return Object.fromEntries(files.map(([name, path]) => [name, readFileSync(path, "base64")]));
}

let whole: Record<string, string>;

beforeAll(async () => {
  writeFileSync(join(cwd, "text.txt"), someText(5000));
  const { code, stderr } = await heed(cwd, ...train("whole"));
  if (code !== 0) throw new Error(stderr);
  whole = result("whole");
});

test("the folder is complete", () => {
  expect(Object.keys(whole).sort()).toEqual([
    ...["config.json", "model.safetensors", "run/manifest.json", "run/optimizer.safetensors", "run/state.json"],
    ...["run/weights.safetensors", "tokenizer.json", "tokenizer_config.json"],
  ]);
  const config = JSON.parse(Buffer.from(whole["config.json"]!, "base64").toString("utf8"));
  expect(config).toMatchObject({ model_type: "gpt2", n_layer: 1, n_head: 2, n_embd: 16, n_positions: 16 });
});

test("killed with -9 twice and continued, a run ends with the bytes of one that was not", async () => {
  for (const [i, step] of [60, 130].entries()) {
    const running = start(cwd, i === 0 ? train("killed", "--json") : resume("killed"));
    await running.seen(`"step":${step},`);
    running.child.kill("SIGKILL");
    const { signal, stdout } = await running.ended;
    expect(signal).toBe("SIGKILL");
    expect(stdout).not.toContain(`"event":"done"`);
  }
  const { code, stdout } = await heed(cwd, ...resume("killed"));
  expect(code).toBe(0);
  expect(jsonLines(stdout)[0]).toMatchObject({ event: "start" });
  expect(jsonLines(stdout)[0]!["from"]).toBeGreaterThanOrEqual(125);
  expect(result("killed")).toEqual(whole);
});

test("the number of threads does not change a bit", async () => {
  // The whole run had as many as the machine has.
  for (const threads of ["1", "3"]) {
    const out = `threads-${threads}`;
    expect((await heed(cwd, ...train(out, "--threads", threads))).code).toBe(0);
    expect(result(out)).toEqual(whole);
  }
});

test.each(["SIGINT", "SIGTERM"] as const)("%s saves, and the command that is printed continues", async (signal) => {
  const running = start(cwd, train(signal));
  await running.seen(/step 5\d\/200/);
  running.child.kill(signal);
  // A terminal's Ctrl-C reaches it twice, through npm: it counts once.
  running.child.kill(signal);
  const { code, stderr } = await running.ended;
  expect(code).toBe(130);
  expect(stderr).toMatch(
    /\nstopped and saved at step \d+ of 200\. Continue with:\n {2}npx heed train --out \w+ --resume\n$/,
  );
  const [, command] = /npx heed (.*)\n/.exec(stderr)!;
  const continued = await heed(cwd, ...command!.split(" "));
  expect(continued.code).toBe(0);
  expect(result(signal)).toEqual(whole);
});

test("when its reader goes away a run saves and ends in order", async () => {
  const running = start(cwd, train("piped", "--json"));
  await running.seen(`"step":20,`);
  running.child.stdout!.destroy();
  const { code, stderr } = await running.ended;
  expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
  expect((await heed(cwd, ...resume("piped"))).code).toBe(0);
  expect(result("piped")).toEqual(whole);
});

test("a disk that is full while saving leaves the last snapshot as it was", async () => {
  const running = start(cwd, train("full"));
  await running.seen(/step 5\d\/200/);
  running.child.kill("SIGINT");
  expect((await running.ended).code).toBe(130);
  const before = readdirSync(join(cwd, "full/run")).sort();
  // The largest file a process may write: less than a snapshot's.
  const { code, stderr } = await heedAfter("ulimit -f 16", cwd, "train", "--resume", "--out", "full");
  expect(code).toBe(3);
  expect(stderr).toMatch(/\nheed: saveSnapshot: .*(EFBIG|ENOSPC)[^\n]*\n$/);
  expect(readdirSync(join(cwd, "full/run")).sort()).toEqual(before);
  expect((await heed(cwd, ...resume("full"))).code).toBe(0);
  expect(result("full")).toEqual(whole);
});

test("a text that may not be read is bad input", async () => {
  if (process.getuid?.() !== 0) return console.log("train.test.ts: not root, so no file of somebody else can be made");
  writeFileSync(join(cwd, "secret.txt"), "mine", { mode: 0o600 });
  const { code, stderr } = await start("/", ["train", join(cwd, "secret.txt")], { uid: 65534, gid: 65534 }).ended;
  if (stderr.includes("Cannot find module"))
    return console.log("train.test.ts: the repository is not readable for others");
  expect(code).toBe(3);
  expect(stderr).toMatch(/^heed: text file \S+ cannot be read \(EACCES\), expected a UTF-8 text file\. Check the path/);
});

test("every line of JSON mode is an object, and nothing else is written", async () => {
  cpSync(join(cwd, "whole"), join(cwd, "model"), { recursive: true });
  const commands = [
    train("json", "--json"),
    ["generate", "model", "--tokens", "5", "--json"],
    ["eval", "model", "text.txt", "--json"],
    ["inspect", "model", "--json"],
    ["inspect", "nanogpt-baby", "--json"],
    ["backends", "--json"],
    ["--json", "train", "nowhere.txt"],
  ];
  for (const command of commands) {
    const { stdout, stderr, code } = await heed(cwd, ...command);
    expect(jsonLines(stdout).length, command.join(" ")).toBeGreaterThan(0);
    expect(jsonLines(stdout).every(({ event }) => typeof event === "string")).toBe(true);
    expect([code, stderr === ""]).toEqual(command.includes("nowhere.txt") ? [3, false] : [0, true]);
  }
});
