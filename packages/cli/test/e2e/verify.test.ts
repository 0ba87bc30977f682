import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { goldenRoot } from "@heed/test-tools";
import { afterAll, expect, test } from "vitest";
import { jsonLines, temporaryFolder } from "../support.ts";
import { heed } from "./process.ts";

const { path: cwd, remove } = temporaryFolder();
afterAll(remove);

const folders = [
  ...["gpt2-lm", "gpt2-lm-f16", "gpt2-lm-bf16", "gpt2-lm-sharded", "gpt2-hub-layout", "gpt2-scaled-attention"],
  ...["train-gpt2", "unit-attention", "torch-lstm"],
];
const isThere = existsSync(join(goldenRoot(), "gpt2-lm"));
if (!isThere)
  console.log(`verify.test.ts: skipped, because there is no ${goldenRoot()}. Set HEED_GOLDEN to the fixtures`);

test.runIf(isThere).each(folders)("%s passes on both backends", async (name) => {
  for (const backend of ["default", "reference"]) {
    const { code, stdout } = await heed(cwd, "verify", join(goldenRoot(), name), "--backend", backend, "--json");
    const events = jsonLines(stdout);
    expect(code, stdout).toBe(0);
    const { cases, passed } = events.at(-1) as { cases: number; passed: number };
    expect(passed).toBe(cases);
    expect(events.filter(({ event }) => event === "output").length).toBeGreaterThanOrEqual(2 * cases);
  }
});

/** A copy whose recorded `tensor` has its first value changed by `change`. */
function altered(name: string, copy: string, tensor: string, change: (value: number) => number): string {
  const folder = join(cwd, copy);
  cpSync(join(goldenRoot(), name), folder, { recursive: true });
  const path = join(folder, "golden.safetensors");
  const bytes = readFileSync(path);
  const headerSize = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerSize));
  const at = 8 + headerSize + header[tensor].data_offsets[0];
  if (header[tensor].dtype === "F32") bytes.writeFloatLE(change(bytes.readFloatLE(at)), at);
  else bytes.writeInt32LE(change(bytes.readInt32LE(at)), at);
  writeFileSync(path, bytes);
  return folder;
}

test.runIf(isThere)("one wrong number fails, and is the only one that does", async () => {
  const folder = altered("gpt2-lm", "wrong", "forward.grad.transformer.wpe.weight", (value) => value + 0.01);
  const { code, stdout } = await heed(cwd, "verify", folder);
  expect(code).toBe(1);
  expect(stdout).toContain("forward: failed\n");
  expect(stdout.match(/FAIL.*/g)).toEqual([
    expect.stringMatching(/^FAIL grad transformer\.wpe\.weight +error 1\.00e-2 +tolerance \d/),
  ]);
  expect(stdout).toContain("2 of 3 cases passed, 1 failed\n");
});

test.runIf(isThere)("a token outside the vocabulary is bad input", async () => {
  const folder = altered("gpt2-hub-layout", "outside", "forward.input.input_ids", () => 1_000_000);
  const { code, stderr } = await heed(cwd, "verify", folder);
  expect(code).toBe(3);
  expect(stderr).toMatch(
    /^heed: verify: input_ids of case forward has token 1000000, expected ids in 0\.\.\d+ \(vocab_size/,
  );
});

test.runIf(isThere)("what cannot be run yet is listed as unsupported and fails", async () => {
  const recorded = join(cwd, "unknown-class");
  cpSync(join(goldenRoot(), "bert-3d-mask"), recorded, { recursive: true });
  const golden = readFileSync(join(recorded, "golden.json"), "utf8");
  writeFileSync(join(recorded, "golden.json"), golden.replaceAll('"BertModel"', '"BertForDreams"'));
  const unknown = await heed(cwd, "verify", recorded);
  expect(unknown.code).toBe(1);
  expect(unknown.stdout).toMatch(/: unsupported\n {2}class BertForDreams is not supported/);
  const folder = join(cwd, "unknown-type");
  cpSync(join(goldenRoot(), "gpt2-hub-layout"), folder, { recursive: true });
  const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
  writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, model_type: "gpt9" }));
  const { code, stdout } = await heed(cwd, "verify", folder, "--json");
  expect(code).toBe(1);
  expect(jsonLines(stdout)[0]).toMatchObject({ event: "case", status: "unsupported" });
});
