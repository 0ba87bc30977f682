import { describe, expect, test } from "vitest";
import { loadTokenizer, trainUnigramTokenizer } from "../src/index.ts";
import { digamma } from "../src/training/unigram.ts";
import { addExpectedCounts, bestSegmentation } from "../src/training/unigram-lattice.ts";

const pieces = new Map([
  ["a", Math.log(0.2)],
  ["b", Math.log(0.15)],
  ["ab", Math.log(0.25)],
  ["ba", Math.log(0.1)],
  ["aba", Math.log(0.3)],
]);

/** Every way of cutting a word into pieces. */
function segmentations(word: string): string[][] {
  if (word === "") return [[]];
  return [...pieces.keys()]
    .filter((piece) => word.startsWith(piece))
    .flatMap((piece) => segmentations(word.slice(piece.length)).map((rest) => [piece, ...rest]));
}

const scoreOf = (parts: readonly string[]): number => parts.reduce((sum, part) => sum + pieces.get(part)!, 0);

describe("lattice", () => {
  test.each(["a", "abab", "ababaab"])("%s: expected counts and the best cut, by enumeration", (word) => {
    const all = segmentations(word);
    const total = all.reduce((sum, parts) => sum + Math.exp(scoreOf(parts)), 0);
    const expected = new Map<string, number>();
    expect(addExpectedCounts(word, 3, { pieces, longest: 3, expected })).toBeCloseTo(Math.log(total), 10);
    for (const piece of pieces.keys()) {
      const count = all.reduce(
        (sum, parts) => sum + (Math.exp(scoreOf(parts)) / total) * parts.filter((part) => part === piece).length,
        0,
      );
      expect(expected.get(piece) ?? 0).toBeCloseTo(3 * count, 10);
    }
    const best = all.reduce((a, b) => (scoreOf(b) > scoreOf(a) ? b : a));
    expect(scoreOf(bestSegmentation(word, { pieces, longest: 3 })!)).toBeCloseTo(scoreOf(best), 10);
  });

  test("a piece left out, and a word that no pieces make", () => {
    expect(bestSegmentation("aba", { pieces, longest: 3, without: "aba" })).toEqual(["ab", "a"]);
    expect(bestSegmentation("abc", { pieces, longest: 3 })).toBeUndefined();
  });

  test("digamma at known places", () => {
    expect(digamma(1)).toBeCloseTo(-0.5772156649015329, 10); // minus Euler's constant
    expect(digamma(0.5)).toBeCloseTo(-0.5772156649015329 - 2 * Math.LN2, 10);
    expect(digamma(20)).toBeCloseTo(2.970523992242149, 10);
  });
});

describe("trainUnigramTokenizer", () => {
  const texts = ["the cat and the hat", "the bat and that mat", "a cat sat; the rat ran"].flatMap((text) => [
    text,
    text,
  ]);

  test("special tokens, pieces from the most probable on, sentinels at the end", async () => {
    const { model } = await trainUnigramTokenizer(texts, { vocabSize: 26, numSentinels: 2 });
    const vocab = model.vocab as [string, number][];
    expect(vocab.length).toBe(26);
    expect(vocab.slice(0, 3).map(([token]) => token)).toEqual(["<pad>", "</s>", "<unk>"]);
    expect(vocab.slice(-2).map(([token]) => token)).toEqual(["<extra_id_1>", "<extra_id_0>"]);
    const scores = vocab.slice(3, -2).map(([, score]) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(vocab.map(([token]) => token)).toContain("\u2581the");
  });

  test("texts come back; an end token follows", async () => {
    const tokenizer = loadTokenizer(await trainUnigramTokenizer(texts, { vocabSize: 26, numSentinels: 2 }));
    const ids = tokenizer.encode("that cat ran");
    expect(ids.at(-1)).toBe(1);
    expect(tokenizer.decode(ids.subarray(0, -1))).toBe("that cat ran");
    expect(tokenizer.encode("the<extra_id_0>").includes(25)).toBe(true);
  });

  test("does not depend on the order of texts", async () => {
    const options = { vocabSize: 26 };
    expect(await trainUnigramTokenizer([...texts].reverse(), options)).toEqual(
      await trainUnigramTokenizer(texts, options),
    );
  });

  test("no room", async () => {
    await expect(trainUnigramTokenizer(texts, { vocabSize: 10 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: trainUnigramTokenizer: vocabSize is too small, expected at least 16 (13 characters, 3 special tokens and 0 sentinels), got 10. Ask for a larger vocabulary]`,
    );
  });
});
