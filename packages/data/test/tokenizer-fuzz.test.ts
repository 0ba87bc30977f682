import { Tokenizer as Library } from "@huggingface/tokenizers";
import { describe, expect, test } from "vitest";
import { isTokenizerError, loadTokenizer, trainByteTokenizer, trainCharacterTokenizer } from "../src/index.ts";
import { python, randomInts } from "./support.ts";

type Random = (n: number) => number;
type Tree = { [field: string]: unknown };

const TEXTS = ["the cat sat on the mat.", "a\n b\u00e9\u{1f600} \u00a0'll 12", "tttt  "] as const;
const pick = <T>(random: Random, items: readonly T[]): T => items[random(items.length)]!;
const pythonFile = (name: string): string => JSON.stringify(python.cases.find((one) => one.name === name)!.file);

/** Valid files of every model and nearly every component, as starting points; the small ones are taken more often. */
const small = [
  JSON.stringify(trainCharacterTokenizer(TEXTS.join(""))),
  JSON.stringify({
    added_tokens: [{ id: 4, content: "<s>", special: true }],
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFKC" },
        { type: "Replace", pattern: { String: " " }, content: "_" },
        { type: "Lowercase" },
        { type: "Strip", strip_left: true },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: "t+" }, behavior: "Removed" },
        { type: "Digits", individual_digits: true },
        { type: "FixedLength", length: 3 },
      ],
    },
    post_processor: {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    },
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "_" }, content: " " },
        { type: "Strip", content: " ", start: 1, stop: 0 },
        { type: "Fuse" },
      ],
    },
    model: { type: "BPE", vocab: { a: 0, t: 1, at: 2, "?": 3 }, merges: ["a t"], unk_token: "?", fuse_unk: true },
  }),
  JSON.stringify({
    pre_tokenizer: { type: "Whitespace" },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    post_processor: { type: "BertProcessing", sep: ["[S]", 3], cls: ["[C]", 4] },
    model: {
      type: "WordPiece",
      vocab: { the: 0, "##e": 1, c: 2, "[S]": 3, "[C]": 4, "[U]": 5 },
      unk_token: "[U]",
      continuing_subword_prefix: "##",
    },
  }),
  JSON.stringify({
    pre_tokenizer: { type: "Metaspace", replacement: "_" },
    decoder: { type: "Metaspace", replacement: "_" },
    model: {
      type: "Unigram",
      vocab: [
        ["?", 0],
        ["_", -1],
        ["_the", -2],
        ["t", -3],
        ["a", -3],
      ],
      unk_id: 0,
    },
  }),
];
const large = [
  JSON.stringify(trainByteTokenizer()),
  pythonFile("byte-level BPE"),
  pythonFile("WordPiece"),
  pythonFile("Unigram"),
];
const drawFile = (random: Random): string => (random(20) > 0 ? pick(random, small) : pick(random, large));

const SNIPPETS = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"',
  "\\",
  "null",
  "true",
  "-1",
  "0",
  "1e9",
  "1e999",
  "99999999999999999999",
  '"type"',
  '"BPE"',
  '"WordLevel"',
  "[[[[[[",
  '{"a":',
  "\u0000",
  "\ud800",
  "\u00e9",
  " ",
  '"__proto__":',
  '"constructor"',
  "[".repeat(70),
  '"Sequence"',
];
const NASTY: readonly unknown[] = [
  null,
  true,
  false,
  -1,
  0,
  1,
  2,
  1.5,
  2 ** 31,
  2 ** 53,
  1e300,
  "",
  " ",
  "BPE",
  "Sequence",
  "Isolated",
  "Removed",
  "a",
  "<s>",
  "__proto__",
  "toString",
  [],
  [0],
  ["a", 0],
  [["a", 0]],
  {},
  { type: "ByteLevel" },
  { type: "Fuse" },
  { type: "Whitespace" },
  { type: "NFC" },
  { String: "" },
  { Regex: "" },
  { Regex: "." },
];

/** Every object and list inside, the value itself included. */
function* containers(value: unknown): Generator<Tree> {
  if (typeof value !== "object" || value === null) return;
  yield value as Tree;
  for (const inner of Object.values(value)) yield* containers(inner);
}

/** A field anywhere in a file, changed by `change`. */
function edit(file: string, random: Random, change: (parent: Tree, field: string) => void): string {
  const tree = JSON.parse(file) as Tree;
  const parents = [...containers(tree)].filter((parent) => Object.keys(parent).length > 0);
  // Half of the time a field of a component or of the file itself: the vocabulary has most of the fields.
  const named = parents.filter((parent) => "type" in parent || "model" in parent || "pattern" in parent);
  const parent = pick(random, random(2) > 0 ? named : parents);
  change(parent, pick(random, Object.keys(parent)));
  return JSON.stringify(tree);
}

const mutations: Readonly<Record<string, (file: string, random: Random, other: string) => string>> = {
  "replace characters": (file, random) => {
    const units = file.split("");
    for (let n = 1 + random(3); n > 0; n--)
      units[random(units.length)] = String.fromCharCode(random(3) > 0 ? 32 + random(95) : random(65536));
    return units.join("");
  },
  cut: (file, random) => file.slice(0, random(file.length)),
  extend: (file, random) => file + pick(random, SNIPPETS) + " ".repeat(random(3)),
  "insert and remove text": (file, random) => {
    let text = file;
    for (let n = 1 + random(3); n > 0; n--) {
      const from = random(text.length + 1);
      text = text.slice(0, from) + pick(random, SNIPPETS) + text.slice(Math.min(text.length, from + random(6)));
    }
    return text;
  },
  "change a digit": (file, random) => {
    const places = [...file.matchAll(/\d/g)].map(({ index }) => index);
    const at = pick(random, places);
    return file.slice(0, at) + random(10) + file.slice(at + 1);
  },
  "set a field": (file, random) =>
    edit(file, random, (parent, field) => {
      parent[field] = pick(random, NASTY);
    }),
  "remove a field": (file, random) =>
    edit(file, random, (parent, field) => {
      if (Array.isArray(parent)) parent.splice(Number(field), 1);
      else delete parent[field];
    }),
  "rename a field": (file, random) =>
    edit(file, random, (parent, field) => {
      const value = parent[field];
      delete parent[field];
      parent[pick(random, ["type", "vocab", "x", "Regex", "String", "id", field.slice(1), `${field}s`])] = value;
    }),
  "copy a field from elsewhere": (file, random, other) => {
    const donor = pick(
      random,
      [...containers(JSON.parse(other))].filter((tree) => Object.keys(tree).length > 0),
    );
    return edit(file, random, (parent, field) => {
      parent[field] = donor[pick(random, Object.keys(donor))];
    });
  },
  "exchange two fields": (file, random) =>
    edit(file, random, (parent, field) => {
      const second = pick(random, Object.keys(parent));
      [parent[field], parent[second]] = [parent[second], parent[field]];
    }),
  "put parts of two files together": (file, random, other) => {
    const parts = JSON.parse(other) as Tree;
    const tree = JSON.parse(file) as Tree;
    for (const name of ["normalizer", "pre_tokenizer", "post_processor", "decoder", "model", "added_tokens"])
      if (random(3) === 0) tree[name] = parts[name];
    return JSON.stringify(tree);
  },
  "nest deeply": (file, random) =>
    edit(file, random, (parent, field) => {
      const list =
        {
          normalizer: "normalizers",
          pre_tokenizer: "pretokenizers",
          decoder: "decoders",
          post_processor: "processors",
        }[field] ?? pick(random, ["normalizers", "decoders"]);
      for (let n = random(60); n > 0; n--)
        parent[field] = random(40) === 0 ? [parent[field]] : { type: "Sequence", [list]: [parent[field]] };
    }),
};

/** What the library itself makes of an accepted file: undefined where it knows no id. */
function libraryIds(file: string, text: string, modelType: string): (number | undefined)[] {
  const {
    added_tokens = [],
    normalizer = null,
    pre_tokenizer = null,
    post_processor = null,
    decoder = null,
    model,
  } = JSON.parse(file) as Tree;
  const library = new Library(
    {
      model: { ...(model as object), type: modelType },
      added_tokens: added_tokens ?? [],
      normalizer,
      pre_tokenizer,
      post_processor,
      decoder,
    },
    {},
  );
  return (library.encode(text) as { ids: (number | undefined)[] }).ids;
}

/** Runs an accepted file: ids in range and equal to the library's, or a typed error. Returns how many texts it encoded. */
function exercise(file: string): number {
  const tokenizer = loadTokenizer(file);
  let encoded = 0;
  for (const text of TEXTS) {
    let ids: Int32Array;
    try {
      ids = tokenizer.encode(text);
    } catch (error) {
      if (!isTokenizerError(error)) throw error;
      continue;
    }
    encoded++;
    expect([...ids], file).toEqual(libraryIds(file, text, tokenizer.toJSON().model.type));
    expect(ids.every((id) => id >= 0 && id < tokenizer.vocabSize)).toBe(true);
    try {
      expect(typeof tokenizer.decode(ids)).toBe("string");
    } catch (error) {
      if (!isTokenizerError(error)) throw error;
    }
  }
  return encoded;
}

const ROUNDS = 1000;

describe(`${Object.keys(mutations).length * ROUNDS} mutated files: a typed error, or what the library gives`, () => {
  test("the files themselves work", () => {
    for (const file of [...small, ...large]) expect(exercise(file)).toBeGreaterThan(0);
  });

  test.each(Object.entries(mutations))("%s", (name, mutate) => {
    const random = randomInts(name.length * 104_729);
    const counts = { refused: 0, accepted: 0, encoded: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const file = mutate(drawFile(random), random, drawFile(random));
      try {
        counts.encoded += exercise(file) > 0 ? 1 : 0;
        counts.accepted++;
      } catch (error) {
        if (!isTokenizerError(error)) throw error;
        expect(error.message).toMatch(/^loadTokenizer: .{10,}, expected .{1,}\. .{5,}$/s);
        expect(error.message.length).toBeLessThan(700);
        counts.refused++;
      }
    }
    expect(counts.refused).toBeGreaterThan(ROUNDS / 20); // the mutations do harm
    if (name === "cut") expect(counts.accepted).toBe(0);
    else if (name !== "extend")
      expect(counts.encoded, "some changed files still work, so that results are compared").toBeGreaterThan(
        ROUNDS / 100,
      );
  });
});
