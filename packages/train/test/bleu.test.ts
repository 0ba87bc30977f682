import { describe, expect, test } from "vitest";
import { bleu, tokenize13a } from "../src/index.ts";

describe("tokenize13a", () => {
  test.each([
    ["Hello, world!", ["Hello", ",", "world", "!"]],
    ["It costs $3,141.59 (about 3-4 euros).", "It costs $ 3,141.59 ( about 3 - 4 euros ) .".split(" ")],
    ["He said &quot;no&quot; &amp; left", ["He", "said", '"', "no", '"', "&", "left"]],
    ["well-known, e.g. U.S.", ["well-known", ",", "e", ".", "g", ".", "U", ".", "S", "."]],
    ["", []],
  ])("%s", (line, tokens) => {
    expect(tokenize13a(line)).toEqual(tokens);
  });
});

describe("bleu", () => {
  test("by hand: 5 of 6 words, 3 of 5 pairs, 2 of 4 triples, 1 of 3 fours", () => {
    const { score, precisions, brevityPenalty } = bleu(["the cat sat on a mat"], ["the cat sat on the mat"]);
    expect(precisions.map((p) => p / 100)).toEqual([5 / 6, 3 / 5, 2 / 4, 1 / 3].map((p) => expect.closeTo(p, 12)));
    expect(brevityPenalty).toBe(1);
    expect(score).toBeCloseTo(100 * ((5 / 6) * (3 / 5) * (2 / 4) * (1 / 3)) ** 0.25, 10);
  });

  test("by hand: a short translation is punished by exp(1 - 8 / 6)", () => {
    const { score, brevityPenalty } = bleu(["a b c d e f"], ["a b c d e f g h"]);
    expect(brevityPenalty).toBeCloseTo(Math.exp(1 - 8 / 6), 12);
    expect(score).toBeCloseTo(100 * Math.exp(1 - 8 / 6), 10);
  });

  test("by hand: words count as often as one reference has them; the nearest length is the reference's", () => {
    const { precisions, referenceLength } = bleu(["the the the the"], [["the cat is here now", "there is the"]]);
    expect(precisions[0]).toBeCloseTo(25, 12);
    expect(referenceLength).toBe(3); // 5 and 3 are as near to 4: the shorter
  });

  test("by hand: lengths without a match are smoothed by halves", () => {
    const { precisions } = bleu(["a x b y"], ["a q b r"]);
    expect(precisions).toEqual([50, 100 / (2 * 3), 100 / (4 * 2), 100 / (8 * 1)].map((p) => expect.closeTo(p, 12)));
  });

  test("segments add up before the precisions are taken", () => {
    const both = bleu(["a b c d", "e f g h i"], ["a b c d", "e f g x i"]);
    expect(both.precisions.map((p) => p / 100)).toEqual([8 / 9, 5 / 7, 3 / 5, 1 / 3].map((p) => expect.closeTo(p, 12)));
  });

  test("nothing in common is 0, and so is nothing at all", () => {
    expect(bleu(["a b c d"], ["e f g h"]).score).toBe(0);
    expect(bleu([""], ["a b c d"]).score).toBe(0);
    expect(bleu(["a b"], ["a b"]).score).toBe(0); // no fours: as sacreBLEU for a corpus without effective order
  });

  test("bad input", () => {
    expect(() => bleu([], [])).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: bleu: references has 0 segments, expected as many as translations and at least one, got 0 translations]`,
    );
    expect(() => bleu(["a"], ["a", "b"])).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: bleu: references has 2 segments, expected as many as translations and at least one, got 1 translations]`,
    );
    expect(() => bleu(["a"], [[]])).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: bleu: references[0] is empty, expected at least one text]`,
    );
  });
});
