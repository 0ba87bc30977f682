import { describe, expect, test } from "vitest";
import {
  encodeBatch,
  loadTokenizer,
  type TokenBatch,
  trainBytePairTokenizer,
  trainUnigramTokenizer,
  trainWordPieceTokenizer,
} from "../src/index.ts";
import { thrownBy } from "./support.ts";

const texts = ["who ran home", "the old dog ran home", "who is the old dog"];
const wordPiece = loadTokenizer(await trainWordPieceTokenizer(texts, { vocabSize: 60 }));
const bytePair = loadTokenizer(await trainBytePairTokenizer(texts, { vocabSize: 275, specialTokens: ["<|end|>"] }));
const unigram = loadTokenizer(await trainUnigramTokenizer(texts, { vocabSize: 40, numSentinels: 2 }));

const row = ({ tokens, T }: TokenBatch, b: number, { idToToken } = wordPiece): (string | undefined)[] =>
  [...tokens.subarray(b * T, (b + 1) * T)].map((id) => idToToken.call(wordPiece, id));

/** The parts of the texts that the tokens of a row came from, special ones left out. */
function partsOf({ offsets, sources, T }: TokenBatch, b: number, pair: readonly string[]): string[] {
  return Array.from({ length: T }, (_, t) => b * T + t)
    .filter((at) => sources[at]! >= 0)
    .map((at) => pair[sources[at]!]!.slice(offsets![2 * at], offsets![2 * at + 1]));
}

describe("encodeBatch", () => {
  test("pairs are wrapped by the template, told apart by segment, filled with [PAD]", () => {
    const batch = encodeBatch(wordPiece, [
      ["who ran", "the dog"],
      ["dog", "ran home"],
    ]);
    expect(row(batch, 0)).toEqual(["[CLS]", "who", "ran", "[SEP]", "the", "dog", "[SEP]"]);
    expect(row(batch, 1)).toEqual(["[CLS]", "dog", "[SEP]", "ran", "home", "[SEP]", "[PAD]"]);
    expect([...batch.segments]).toEqual([0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0]);
    expect([...batch.mask]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    expect([...batch.sources]).toEqual([-1, 0, 0, -1, 1, 1, -1, -1, 0, -1, 1, 1, -1, -1]);
    expect(batch.offsets).toBeUndefined();
  });

  test("single texts, padded on the left to a given length", () => {
    const batch = encodeBatch(wordPiece, ["who"], { padTo: 5, padSide: "left" });
    expect(row(batch, 0)).toEqual(["[PAD]", "[PAD]", "[CLS]", "who", "[SEP]"]);
    expect([...batch.mask]).toEqual([0, 0, 1, 1, 1]);
  });

  test.each([
    ["longest-first", ["[CLS]", "who", "ran", "[SEP]", "the", "old", "[SEP]"]],
    ["only-first", ["[CLS]", "who", "[SEP]", "the", "old", "dog", "[SEP]"]],
    ["only-second", ["[CLS]", "who", "ran", "home", "[SEP]", "the", "[SEP]"]],
  ] as const)("truncation %s", (truncation, expected) => {
    expect(row(encodeBatch(wordPiece, [["who ran home", "the old dog"]], { maxLength: 7, truncation }), 0)).toEqual(
      expected,
    );
  });

  test("WordPiece offsets: words, pieces of words, lost accents, unknown words", () => {
    const text = "Who  r\u00e1n the \u65e5 dogs";
    const batch = encodeBatch(wordPiece, [text], { withOffsets: true });
    expect(row(batch, 0)).toEqual(["[CLS]", "who", "ran", "the", "[UNK]", "dog", "##s", "[SEP]"]);
    expect(partsOf(batch, 0, [text])).toEqual(["Who", "r\u00e1n", "the", "\u65e5", "dog", "s"]);
    expect([...batch.offsets!.slice(0, 6)]).toEqual([-1, -1, 0, 3, 5, 8]);
  });

  test("an answer is found again in the second text", () => {
    const [question, context] = ["who ran", "the old dog ran home"];
    const batch = encodeBatch(wordPiece, [[question, context]], { withOffsets: true });
    const start = context.indexOf("old dog");
    const inAnswer = Array.from(batch.tokens, (_, t) => t).filter(
      (t) => batch.sources[t] === 1 && batch.offsets![2 * t]! >= start && batch.offsets![2 * t + 1]! <= start + 7,
    );
    expect(inAnswer.map((t) => wordPiece.idToToken(batch.tokens[t]!))).toEqual(["old", "dog"]);
  });

  test("byte-level offsets: no space before a word, whole characters for their bytes", () => {
    const text = "who ran<|end|> \u{1f600}dog";
    const batch = encodeBatch(bytePair, [text], { withOffsets: true });
    const parts = partsOf(batch, 0, [text]);
    expect(parts.slice(0, 3)).toEqual(["who", "ran", "<|end|>"]);
    expect(parts.filter((part) => part === "\u{1f600}").length).toBeGreaterThanOrEqual(4);
    expect(parts.at(-1)).toMatch(/^d?o?g$/);
  });

  test("Unigram offsets: marks take nothing, ligatures count once", () => {
    const text = "the  dog \ufb01ne"; // NFKC makes "fi" of the ligature
    const parts = partsOf(encodeBatch(unigram, [text], { withOffsets: true }), 0, [text]);
    expect(parts.slice(0, 2)).toEqual(["the", "dog"]);
    expect(parts.at(-1)).toBe("e");
  });

  test("bad input", () => {
    const pair = [["who ran home", "the old dog"]] as const;
    const errors = [
      thrownBy(() => encodeBatch(wordPiece, pair, { maxLength: 7, truncation: "none" })),
      thrownBy(() => encodeBatch(wordPiece, pair, { maxLength: 4, truncation: "only-first" })),
      thrownBy(() => encodeBatch(wordPiece, pair, { maxLength: 2 })),
      thrownBy(() => encodeBatch(wordPiece, pair, { maxLength: 0 })),
      thrownBy(() => encodeBatch(wordPiece, pair, { padTo: 3 })),
      thrownBy(() => encodeBatch(wordPiece, pair, { padToken: "<none>" })),
      thrownBy(() => encodeBatch(bytePair, ["who", "who ran home"])),
    ];
    expect(errors).toMatchInlineSnapshot(`
      [
        "RangeError: encodeBatch: texts[0] has 3 + 3 tokens, expected at most 4 beside the special ones (from maxLength and truncation "none"). Shorten the text or choose another truncation",
        "RangeError: encodeBatch: texts[0] has 3 + 3 tokens, expected at most 1 beside the special ones (from maxLength and truncation "only-first"). Shorten the text or choose another truncation",
        "RangeError: encodeBatch: texts[0] has 3 + 3 tokens, expected at most 0 beside the special ones (from maxLength and truncation "longest-first"). Shorten the text or choose another truncation",
        "RangeError: encodeBatch: maxLength is out of range, expected a whole number >= 1, got 0",
        "RangeError: encodeBatch: a row has 9 tokens, expected at most 3 (from padTo). Give maxLength as well",
        "RangeError: encodeBatch: padToken is not in the vocabulary, expected one of its tokens, got "<none>"",
        "RangeError: encodeBatch: rows differ in length and the vocabulary has no padding token, expected [PAD], <pad> or a padToken. Name the token that fills rows",
      ]
    `);
  });
});
