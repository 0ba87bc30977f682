import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jsonLines, run, sentence, someText, temporaryFolder, tinyModel } from "./support.ts";

const { path: cwd, remove } = temporaryFolder();
afterAll(remove);

const at = (...names: string[]): string => join(cwd, ...names);
const said = async (...args: string[]): Promise<string> => sentence(cwd, await run(cwd, args));

beforeAll(async () => {
  writeFileSync(at("text.txt"), someText(2000));
  const { code, stderr } = await run(cwd, ["train", "text.txt", ...tinyModel, "--steps", "3", "--out", "good"]);
  if (code !== 0) throw new Error(stderr);
});

/** A copy of the good folder to break. */
function copy(name: string): string {
  cpSync(at("good"), at(name), { recursive: true });
  return at(name);
}

describe("wrong use", () => {
  test("commands and options", async () => {
    expect((await run(cwd, [])).code).toBe(2);
    expect(await said("trian")).toMatchInlineSnapshot(
      `"[2] heed: unknown command 'trian'. Did you mean train? See --help"`,
    );
    expect(await said("train", "text.txt", "--layrs", "3")).toMatchInlineSnapshot(
      `"[2] heed: unknown option '--layrs'. Did you mean --layers? See train --help"`,
    );
    expect(await said("train")).toMatchInlineSnapshot(
      `"[2] heed: train: no text file was given, expected at least one. For example: heed train my.txt"`,
    );
    expect(await said("generate")).toMatchInlineSnapshot(
      `"[2] heed: missing required argument 'folder'. See generate --help"`,
    );
    expect(await said("inspect", "gpt2", "more")).toMatchInlineSnapshot(
      `"[2] heed: too many arguments for 'inspect'. Expected 1 argument but got 2. See inspect --help"`,
    );
    expect(await said("train", "text.txt", "--out", "--resume")).toMatchInlineSnapshot(
      `"[2] heed: option '--out <folder>' argument '--resume' is invalid. Expected the name of a folder. See train --help"`,
    );
    expect(await said("train", "text.txt", "--tokenizer", "words")).toMatchInlineSnapshot(
      `"[2] heed: option '--tokenizer <kind>' argument 'words' is invalid. Allowed choices are character, byte. See train --help"`,
    );
  });

  test("presets, with the nearest name", async () => {
    expect(await said("train", "text.txt", "--preset", "nanogpt-cp")).toMatchInlineSnapshot(
      `"[2] heed: option '--preset <name>' argument 'nanogpt-cp' is invalid. Expected one of nanogpt-cpu, nanogpt-baby, gpt2. Did you mean nanogpt-cpu? See train --help"`,
    );
    expect(await said("inspect", "gpt-2")).toMatchInlineSnapshot(
      `"[2] heed: inspect: gpt-2 is neither a folder nor a preset, expected a Hugging Face folder or a preset (inspect --help lists them). Did you mean gpt2?"`,
    );
  });

  const numbers = "layers heads width context steps batch accumulate lr clip validation seed threads sample".split(" ");
  test.each(numbers)("--%s out of range", async (name) => {
    for (const value of ["-1", "NaN", "1e400", "three", ""]) {
      const text = await said("train", "text.txt", `--${name}`, value);
      expect(text).toMatch(
        new RegExp(`^\\[2\\] heed: option '--${name} <\\w+>' argument '.*' is invalid. Expected a .*\\.`),
      );
    }
    expect(existsSync(at("runs"))).toBe(false);
  });

  test("zero and huge numbers", async () => {
    expect(await said("train", "text.txt", "--steps", "0")).toMatchInlineSnapshot(
      `"[2] heed: option '--steps <n>' argument '0' is invalid. Expected a whole number in 1..2147483647. See train --help"`,
    );
    expect(await said("train", "text.txt", "--lr", "0")).toMatchInlineSnapshot(
      `"[2] heed: option '--lr <rate>' argument '0' is invalid. Expected a number > 0 and <= 1000. See train --help"`,
    );
    expect(await said("train", "text.txt", "--dropout", "1")).toMatchInlineSnapshot(
      `"[2] heed: option '--dropout <p>' argument '1' is invalid. Expected a number in [0, 1). See train --help"`,
    );
    expect(await said("train", "text.txt", "--batch", "1e9")).toMatchInlineSnapshot(
      `"[2] heed: option '--batch <n>' argument '1e9' is invalid. Expected a whole number in 1..65536. See train --help"`,
    );
    expect(await said("train", "text.txt", "--layers", "1000", "--width", "65536")).toMatchInlineSnapshot(
      `"[2] heed: train: the model is too large, expected at most 4 GiB (what WebAssembly can address), got about 771,000 GiB for 51,539,743,735,808 parameters and --batch 12 of --context 64. Lower --batch (--accumulate makes up for it), --context, --width or --layers"`,
    );
    expect(await said("generate", "good", "--temperature", "-1")).toMatchInlineSnapshot(
      `"[2] heed: option '--temperature <t>' argument '-1' is invalid. Expected a number in 0..1000. See generate --help"`,
    );
    expect(await said("generate", "good", "--top-p", "0")).toMatchInlineSnapshot(
      `"[2] heed: option '--top-p <p>' argument '0' is invalid. Expected a number > 0 and <= 1. See generate --help"`,
    );
    expect(await said("generate", "good", "--top-k", "0")).toMatchInlineSnapshot(
      `"[2] heed: option '--top-k <n>' argument '0' is invalid. Expected a whole number in 1..1000000000. See generate --help"`,
    );
  });

  test("numbers that do not go together", async () => {
    expect(await said("train", "text.txt", "--width", "30", "--heads", "4")).toMatchInlineSnapshot(
      `"[2] heed: train: --width is not divisible by the heads, expected a multiple of 4 (--heads), got 30. Try --width 32"`,
    );
    expect(await said("train", "text.txt", "--steps", "5", "--warmup", "6")).toMatchInlineSnapshot(
      `"[2] heed: train: --warmup is too long, expected at most 5 (--steps), got 6. Shorten it"`,
    );
    expect(await said("eval", "good", "text.txt", "--context", "9")).toMatchInlineSnapshot(
      `"[2] heed: eval: --context is too long, expected at most 8 (the model's), got 9. Leave it out"`,
    );
  });

  test("folders", async () => {
    mkdirSync(at("other"));
    writeFileSync(at("other", "precious.txt"), "keep me");
    expect(await said("train", "text.txt", "--out", "good")).toMatchInlineSnapshot(
      `"[2] heed: train: --out TMP/good already holds a run, expected a new folder. Add --resume to continue it, or choose another --out"`,
    );
    expect(await said("train", "text.txt", "--out", "other")).toMatchInlineSnapshot(
      `"[2] heed: train: --out TMP/other exists and is not a run, expected a new folder. Nothing was changed: choose another --out"`,
    );
    expect(readdirSync(at("other"))).toEqual(["precious.txt"]);
    expect(await said("train", "text.txt", "--out", "text.txt")).toMatchInlineSnapshot(
      `"[2] heed: train: --out TMP/text.txt cannot be used (ENOTDIR), expected a folder or a new name. Choose another --out"`,
    );
    expect(await said("train", "--resume", "--out", "nowhere")).toMatchInlineSnapshot(
      `"[2] heed: train: --resume found no run in TMP/nowhere, expected a folder that train has written. Check --out, or leave --resume out to start a run"`,
    );
    expect(await said("train", "--resume", "--out", "other")).toMatchInlineSnapshot(
      `"[2] heed: train: --resume found no run in TMP/other, expected a folder that train has written. Check --out, or leave --resume out to start a run"`,
    );
    mkdirSync(at("early", "run"), { recursive: true });
    expect(await said("train", "--resume", "--out", "early")).toMatchInlineSnapshot(
      `"[2] heed: train: --resume found a run in TMP/early that was stopped before its first snapshot, expected one. Leave --resume out to start it again"`,
    );
  });

  test("prompts", async () => {
    expect(await said("generate", "good", "--prompt", "")).toMatchInlineSnapshot(
      `"[2] heed: generate: --prompt has no tokens, expected at least one, got "". Give a text"`,
    );
    expect(await said("generate", "good", "--prompt", "cat 漢")).toMatchInlineSnapshot(
      `"[2] heed: generate: --prompt: encode: text has the character "漢" (U+6F22) at position 4, expected only the 13 characters this tokenizer was trained on. Leave it out, or train on text that contains it"`,
    );
    expect(await said("generate", "good", "--prompt", "the cat sat")).toMatchInlineSnapshot(
      `"[2] heed: generate: --prompt has 11 tokens, expected at most 8 (the model's context). Shorten it"`,
    );
  });

  test("a diverged run says so and keeps what was saved before", async () => {
    const options = ["--steps", "60", "--lr", "1000", "--warmup", "0", "--clip", "0", "--out", "wild"];
    expect(await said("train", "text.txt", ...tinyModel, ...options)).toMatch(
      /\[1\] .*heed: train: loss is .*expected finite numbers\. The run has diverged: lower the learning rate or clip gradients\. The snapshots in wild are from before$/s,
    );
    expect(readdirSync(at("wild"))).toEqual(["run"]);
  });
});

describe("bad files", () => {
  test("texts", async () => {
    writeFileSync(at("empty.txt"), "");
    writeFileSync(at("one.txt"), "x");
    writeFileSync(at("binary.txt"), Uint8Array.of(1, 0, 2));
    writeFileSync(at("short.txt"), "too short for it");
    expect(await said("train", "no.txt")).toMatchInlineSnapshot(
      `"[3] heed: text file TMP/no.txt does not exist, expected a UTF-8 text file. Check the path"`,
    );
    expect(await said("train", "text.txt", "good")).toMatchInlineSnapshot(
      `"[3] heed: text file TMP/good is a folder, expected a UTF-8 text file. Name the files in it"`,
    );
    expect(await said("train", "empty.txt")).toMatchInlineSnapshot(
      `"[3] heed: text file TMP/empty.txt is empty, expected text. Check the path"`,
    );
    expect(await said("train", "one.txt")).toMatchInlineSnapshot(
      `"[3] heed: text file TMP/one.txt holds only the character "x", expected at least two different ones. There is nothing to learn: give another text"`,
    );
    expect(await said("train", "binary.txt")).toMatchInlineSnapshot(
      `"[3] heed: text file TMP/binary.txt is binary (a zero byte at offset 1), expected UTF-8 text. Convert it to text first"`,
    );
    expect(await said("train", "short.txt")).toMatchInlineSnapshot(
      `"[3] heed: train: the text is too short, expected at least 65 tokens to train on (--context 64 and one to predict), got 14 of 16 with --validation 0.1. Give more text or a smaller --context"`,
    );
    expect(await said("train", "short.txt", "--context", "4", "--validation", "0.05")).toMatchInlineSnapshot(
      `"[3] heed: train: the text is too short, expected at least 2 tokens to validate on (one and one to predict), got 1 of 16 with --validation 0.05. Give more text or a larger --validation"`,
    );
    expect(await said("eval", "good", "one.txt")).toMatchInlineSnapshot(
      `"[3] heed: eval: TMP/one.txt: encode: text has the character "x" (U+0078) at position 0, expected only the 13 characters this tokenizer was trained on. Leave it out, or train on text that contains it"`,
    );
    expect(existsSync(at("runs"))).toBe(false);
  });

  test("folders that are no model", async () => {
    expect(await said("generate", "nowhere")).toMatchInlineSnapshot(
      `"[3] heed: generate: folder TMP/nowhere does not exist, expected a Hugging Face folder. Check the path"`,
    );
    expect(await said("generate", "text.txt")).toMatchInlineSnapshot(
      `"[3] heed: generate: TMP/text.txt is a file, expected a Hugging Face folder. Name the folder it is in"`,
    );
    expect(await said("inspect", "other")).toMatchInlineSnapshot(
      `"[3] heed: inspect: TMP/other has no config.json, expected a Hugging Face folder. Check the path"`,
    );
    expect(await said("verify", "good")).toMatchInlineSnapshot(
      `"[3] heed: verify: TMP/good has no golden.json, expected a folder with recorded inputs and outputs. Check the path"`,
    );
    rmSync(join(copy("unfinished"), "config.json"));
    expect(await said("eval", "unfinished", "text.txt")).toMatchInlineSnapshot(
      `"[3] heed: eval: TMP/unfinished has no config.json, expected a Hugging Face folder. Its run has not ended: continue it with train --resume"`,
    );
    rmSync(join(copy("wordless"), "tokenizer.json"));
    expect(await said("generate", "wordless")).toMatchInlineSnapshot(
      `"[3] heed: generate: TMP/wordless has no tokenizer.json, expected one beside the model. Copy it from where the model was trained"`,
    );
  });

  test("configurations", async () => {
    const edit = (name: string, change: object): void => {
      const path = join(copy(name), "config.json");
      writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...change }));
    };
    edit("unknown-key", { rope_theta: 10000 });
    edit("unknown-type", { model_type: "gpt5" });
    edit("wrong-width", { n_embd: 16 });
    edit("narrow", { vocab_size: 3 });
    expect(await said("generate", "unknown-key")).toMatchInlineSnapshot(
      `"[3] heed: generate: TMP/unknown-key cannot be used: loadPretrained: config.json has keys that gpt2 does not know, expected only known ones, got rope_theta: 10000. Remove them if they change nothing"`,
    );
    expect(await said("inspect", "unknown-type")).toMatch(
      /^\[3\] heed: inspect: TMP\/unknown-type cannot be used: loadPretrained: config\.json has an unknown model_type, expected one of .*gpt2.*, got "gpt5"$/,
    );
    expect(await said("generate", "wrong-width")).toMatch(
      /^\[3\] heed: generate: .* expected \[\d+, 16\] \(from n_embd\), got \[\d+, 8\]/,
    );
    expect(await said("generate", "narrow")).toMatch(
      /^\[3\] heed: generate: .*transformer\.wte\.weight expected \[3, 8\]/,
    );
    writeFileSync(join(copy("no-json"), "config.json"), "{");
    expect(await said("generate", "no-json")).toMatchInlineSnapshot(
      `"[3] heed: readJsonFile: TMP/no-json/config.json is not valid JSON: expected "\\"", got the end at character 1. Correct the file or save it again."`,
    );
    writeFileSync(join(copy("bomb"), "config.json"), "[".repeat(100_000));
    expect(await said("generate", "bomb")).toMatchInlineSnapshot(
      `"[3] heed: readJsonFile: TMP/bomb/config.json is not valid JSON: nesting deeper than 64 at character 64. Correct the file or save it again."`,
    );
  });

  test("weights", async () => {
    truncateSync(join(copy("cut"), "model.safetensors"), 100);
    expect(await said("generate", "cut")).toMatchInlineSnapshot(
      `"[3] heed: openSafetensors: TMP/cut/model.safetensors announces a header longer than itself, expected at most 92 bytes, got 1416. The file is damaged or not a safetensors file; download or save it again."`,
    );
    const bytes = readFileSync(at("good", "model.safetensors"));
    const long = Buffer.from(bytes);
    long.writeBigUInt64LE(10_000_000_000n, 0);
    writeFileSync(join(copy("long-header"), "model.safetensors"), long);
    expect(await said("generate", "long-header")).toMatchInlineSnapshot(
      `"[3] heed: openSafetensors: TMP/long-header/model.safetensors announces too long a header, expected at most 100000000 bytes, got 10000000000. The file is damaged or not a safetensors file; download or save it again."`,
    );
    writeFileSync(join(copy("no-header"), "model.safetensors"), Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff));
    expect(await said("generate", "no-header")).toMatchInlineSnapshot(
      `"[3] heed: openSafetensors: TMP/no-header/model.safetensors has a header that starts wrongly, expected "{", got byte 255. The file is damaged or not a safetensors file; download or save it again."`,
    );
    rmSync(join(copy("weightless"), "model.safetensors"));
    expect(await said("generate", "weightless")).toMatchInlineSnapshot(
      `"[3] heed: openWeights: TMP/weightless has no weights, expected model.safetensors or model.safetensors.index.json, got "config.json", "run", "tokenizer.json", "tokenizer_config.json". Check the path; convert other formats to safetensors first."`,
    );
  });

  test("tokenizers", async () => {
    writeFileSync(join(copy("bad-tokenizer"), "tokenizer.json"), `{"model":{}}`);
    expect(await said("generate", "bad-tokenizer")).toMatch(/^\[3\] heed: loadTokenizer: .*expected/);
  });
});

test("in JSON mode an error is also an object", async () => {
  const { code, stdout, stderr } = await run(cwd, ["train", "no.txt", "--json"]);
  expect(code).toBe(3);
  const message = `text file ${at("no.txt")} does not exist, expected a UTF-8 text file. Check the path`;
  expect(stderr).toBe(`heed: ${message}\n`);
  expect(jsonLines(stdout)).toEqual([{ event: "error", exitCode: 3, message }]);
  const help = await run(cwd, ["--json", "train", "--help"]);
  expect(help.code).toBe(0);
  expect(jsonLines(help.stdout)).toMatchObject([{ event: "help" }]);
});
