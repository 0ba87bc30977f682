import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { nodeFileStore } from "@heed/checkpoints/node";
import { loadPretrained } from "@heed/models";
import { rng } from "@heed/tensor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run, sentence, temporaryFolder } from "./support.ts";

const { path: cwd, remove } = temporaryFolder();
afterAll(remove);

const source = rng(1);
const pick = <T>(values: readonly T[]): T => values[source.nextInteger(values.length)]!;
const subjects = ["a man", "a woman", "two dogs", "the child", "a girl"];
const verbs = ["runs", "sits", "sleeps", "plays"];
const places = ["in the park", "on a street", "near the sea"];
const caption = (): string => `${pick(subjects)} ${pick(verbs)} ${pick(places)} .`;
const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

/** Data of the recipes' kinds, made here: small, and easy to learn from. */
beforeAll(() => {
  const write = (name: string, lines: readonly string[]): void => {
    mkdirSync(join(cwd, "data", name, ".."), { recursive: true });
    const text = `${lines.join("\n")}\n`;
    writeFileSync(join(cwd, "data", name), name.endsWith(".gz") ? gzipSync(text) : text);
  };
  for (const [part, count] of [
    ["train", 60],
    ["val", 8],
    ["test_2016_flickr", 6],
  ] as const) {
    const english = many(count, caption);
    write(`multi30k/${part}.en.gz`, english);
    write(
      `multi30k/${part}.de.gz`,
      english.map((line) => line.split(" ").reverse().join(" ")),
    );
  }
  const header = [...Array.from({ length: 64 }, (_, i) => `p${i}`), "label"].join(",");
  const digit = (i: number): string => [...many(64, () => source.nextInteger(17)), i % 10].join(",");
  write("digits/digits.csv.gz", [header, ...Array.from({ length: 120 }, (_, i) => digit(i))]);
  write(
    "text/tinyshakespeare.txt",
    many(12, () => `MAN:\n${caption()}\n${caption()}\n`),
  );
  for (const part of ["train", "test"]) {
    const pairs = many(
      20,
      () => `1\t${caption()}\t${caption()}\t3.5\t${pick(["NEUTRAL", "ENTAILMENT", "CONTRADICTION"])}`,
    );
    write(`sick/${part}.tsv.gz`, ["pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment", ...pairs]);
    write(`sst2/${part}.tsv.gz`, ["sentence\tlabel", ...many(20, () => `${caption()}\t${source.nextInteger(2)}`)]);
  }
});

const result = (folder: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(cwd, folder, "result.json"), "utf8")) as Record<string, unknown>;
const recipe = (...args: string[]) => run(cwd, ["train", "--data", "data", "--smoke", "--recipe", ...args]);

test("translation: a vocabulary, a model, translations and their score; and nothing to do when continued", async () => {
  const { code, stdout, stderr } = await recipe("translation", "--out", "translation");
  expect(code, stderr).toBe(0);
  expect(stdout).toContain("bleu");
  const found = result("translation");
  expect(found).toMatchObject({ recipe: "translation", seed: 1, smoke: true, steps: 60 });
  const measured = found.measured as { step: number; value: number }[];
  expect(measured.at(-1)!.value).toBeLessThan(measured[0]!.value);
  const { modelType, model } = await loadPretrained(nodeFileStore(), join(cwd, "translation"));
  expect(modelType).toBe("marian");
  expect((model as { vocabSize: number }).vocabSize).toBeGreaterThan(256);
  const again = await recipe("translation", "--out", "translation", "--resume");
  expect(again.code, again.stderr).toBe(0);
  const { secondsOfThisRun: _, ...rest } = found;
  expect(result("translation")).toMatchObject(rest);
});

test("BERT: pretraining, then both tasks with and without it", async () => {
  const { code, stderr } = await recipe("bert", "--out", "bert", "--seed", "3");
  expect(code, stderr).toBe(0);
  const found = result("bert");
  for (const task of ["entailment", "sentiment"])
    for (const from of ["pretrained", "from nothing"]) {
      const { accuracy } = found[`${task}, ${from}`] as { accuracy: number };
      expect(accuracy).toBeGreaterThanOrEqual(0);
      expect(accuracy).toBeLessThanOrEqual(100);
    }
  const { modelType, architecture } = await loadPretrained(nodeFileStore(), join(cwd, "bert/pretrained"));
  expect([modelType, architecture]).toEqual(["bert", "BertForPreTraining"]);
});

test("ViT: every variant, and a folder", async () => {
  const { code, stderr } = await recipe("vit", "--out", "vit");
  expect(code, stderr).toBe(0);
  const found = result("vit") as Record<string, { accuracy?: { mean: number }; runs?: number[] }>;
  const variants = ["learned positions", "no positions", "convolutional stem", "learned positions, patches permuted"];
  for (const variant of variants) {
    expect(found[variant]!.runs).toHaveLength(1);
    expect(found[variant]!.accuracy!.mean).toBeCloseTo(found[variant]!.runs![0]!, 1);
  }
  const { modelType, architecture } = await loadPretrained(nodeFileStore(), join(cwd, "vit"));
  expect([modelType, architecture]).toEqual(["vit", "ViTForImageClassification"]);
});

test("MAE: an error beside that of the mean image, a picture, and a folder", async () => {
  const { code, stderr } = await recipe("mae", "--out", "mae");
  expect(code, stderr).toBe(0);
  const found = result("mae") as Record<string, number>;
  expect(found["error of the mean image"]).toBeGreaterThan(0);
  expect(found["error of hidden pixels"]).toBeGreaterThan(0);
  const picture = readFileSync(join(cwd, "mae/reconstructions.svg"), "utf8");
  expect(picture.match(/<rect/g)).toHaveLength(3 * 10 * 64);
  expect((await loadPretrained(nodeFileStore(), join(cwd, "mae"))).modelType).toBe("vit_mae");
});

describe("what cannot be done", () => {
  const said = async (...args: string[]): Promise<string> => sentence(cwd, await run(cwd, ["train", ...args]));

  test("has one sentence each", async () => {
    mkdirSync(join(cwd, "empty"), { recursive: true });
    mkdirSync(join(cwd, "taken"), { recursive: true });
    writeFileSync(join(cwd, "taken/file"), "mine");
    mkdirSync(join(cwd, "damaged/multi30k"), { recursive: true });
    writeFileSync(join(cwd, "damaged/multi30k/train.en.gz"), "no gzip");
    mkdirSync(join(cwd, "dark/digits"), { recursive: true });
    const names = [...Array.from({ length: 64 }, (_, i) => `p${i}`), "label"].join(",");
    const table = (rows: string): void => writeFileSync(join(cwd, "dark/digits/digits.csv.gz"), gzipSync(rows));
    table(`${names}\n${"17,".repeat(64)}3\n`);
    expect(await said("--recipe", "vit", "--data", "dark", "--out", "c")).toMatchInlineSnapshot(
      `"[3] heed: train: data file digits/digits.csv.gz has a bad row 2, expected grey levels in 0..16 and a label in 0..9"`,
    );
    table(`${names}\n1,2,3\n`);
    expect(await said("--recipe", "vit", "--data", "dark", "--out", "d")).toMatchInlineSnapshot(
      `"[3] heed: train: data file digits/digits.csv.gz has 3 fields in line 2, expected 65 (from its first line)"`,
    );
    table("a,b\n1,2\n");
    expect(await said("--recipe", "vit", "--data", "dark", "--out", "e")).toMatchInlineSnapshot(
      `"[3] heed: train: data file digits/digits.csv.gz lacks the columns p0, p1, p2, p3, p4 and 60 more, expected them in its first line, got a,b. Check --data"`,
    );
    expect(await said("--recipe", "soup")).toMatchInlineSnapshot(
      `"[2] heed: option '--recipe <name>' argument 'soup' is invalid. Expected one of bert, mae, translation, vit. See train --help"`,
    );
    expect(await said("--recipe", "translation")).toMatchInlineSnapshot(
      `"[2] heed: train: --recipe translation needs --data, expected a folder with multi30k/train.en.gz, multi30k/train.de.gz, multi30k/val.en.gz, multi30k/val.de.gz, multi30k/test_2016_flickr.en.gz, multi30k/test_2016_flickr.de.gz. For example --data ../shared/data"`,
    );
    expect(await said("--recipe", "translation", "--data", "empty", "--out", "a")).toMatchInlineSnapshot(
      `"[3] heed: train: data file TMP/empty/multi30k/train.en.gz cannot be read (ENOENT), expected it in the folder of --data. Check --data"`,
    );
    expect(await said("--recipe", "translation", "--data", "damaged", "--out", "a")).toMatchInlineSnapshot(
      `"[3] heed: train: data file TMP/damaged/multi30k/train.en.gz cannot be unpacked (incorrect header check), expected gzip. Copy it again"`,
    );
    expect(await said("--recipe", "translation", "--data", "data", "--out", "taken")).toMatchInlineSnapshot(
      `"[2] heed: train: --out TMP/taken is not empty, expected a new folder. Add --resume to continue a run, or choose another --out"`,
    );
    expect(await said("--recipe", "translation", "--data", "data", "--out", "b", "--resume")).toMatchInlineSnapshot(
      `"[2] heed: train: --resume found no run in TMP/b, expected one. Check --out, or leave --resume out"`,
    );
    expect(await said("--recipe", "translation", "--data", "data", "--layers", "2")).toMatchInlineSnapshot(
      `"[2] heed: train: --recipe has settings of its own, expected none beside --data, --out, --seed, --smoke, --resume and --threads, got layers. Leave them out"`,
    );
    expect(await said("--recipe", "translation", "--data", "data", "text.txt")).toMatchInlineSnapshot(
      `"[2] heed: train: --recipe reads the files of --data, expected no text file, got text.txt. Leave it out"`,
    );
    expect(await said("text.txt", "--data", "data")).toMatchInlineSnapshot(
      `"[2] heed: train: --data is given without --recipe, expected both. Leave it out"`,
    );
    expect(readFileSync(join(cwd, "taken/file"), "utf8")).toBe("mine");
  });
});
