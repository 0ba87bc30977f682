import { createHash } from "node:crypto";
import { rng } from "@heed/tensor";
import { describe, expect, test } from "vitest";
import { expand } from "../src/corpus/grammar.ts";
import { generateCorpus } from "../src/corpus/index.ts";
import { numbers, people, wildlife } from "../src/corpus/words.ts";

const text = generateCorpus(1, 600_000);
const words = text.toLowerCase().match(/[a-z']+/g)!;

function countsOf<T>(items: Iterable<T>): Map<T, number> {
  const counts = new Map<T, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

describe("the text of npm start", () => {
  test("has the length asked for, and at most one story more", () => {
    for (const bytes of [1, 1000, 50_000]) {
      const { length } = generateCorpus(2, bytes);
      expect(length).toBeGreaterThanOrEqual(bytes);
      expect(length).toBeLessThan(bytes + 2000);
    }
    expect(text.length).toBeGreaterThanOrEqual(600_000);
  });

  test("is the same for the same seed, everywhere", () => {
    expect(generateCorpus(1, 600_000)).toBe(text);
    expect(createHash("sha256").update(text).digest("hex")).toMatchInlineSnapshot(
      `"d398e5d1b45f6e3faff0d145c9b9a56ab1e0c40ec436da2124a08cf791a25e15"`,
    );
    expect(generateCorpus(2, 1000)).not.toBe(generateCorpus(1, 1000));
    expect(text.startsWith(generateCorpus(1, 20_000).trimEnd()), "a longer text begins with the shorter one").toBe(
      true,
    );
  });

  test("is plain ASCII with a small alphabet", () => {
    expect(text).toMatch(/^[\n -~]*$/);
    const alphabet = new Set(text).size;
    expect(alphabet).toBeGreaterThanOrEqual(60);
    expect(alphabet).toBeLessThanOrEqual(80);
  });

  test("has many words, and no word makes up much of it", () => {
    const counts = countsOf(words);
    expect(words.length).toBeGreaterThan(100_000);
    expect(counts.size).toBeGreaterThan(700);
    expect(
      [...counts.values()].filter((count) => count >= 10).length,
      "words seen often enough to be learned",
    ).toBeGreaterThan(600);
    expect(Math.max(...counts.values()) / words.length).toBeLessThan(0.1);
  });

  test("does not repeat itself", () => {
    const lines = text.split("\n").filter((line) => line !== "");
    const counts = countsOf(lines);
    expect(counts.size / lines.length).toBeGreaterThan(0.8);
    const longest = [...counts].filter(([line]) => line.length >= 60);
    expect(
      Math.max(...longest.map(([, count]) => count)),
      "times a line of 60 characters or more is repeated",
    ).toBeLessThanOrEqual(10);
    const paragraphs = text.trimEnd().split("\n\n");
    expect(new Set(paragraphs).size / paragraphs.length).toBeGreaterThan(0.999);
    // What follows two words is far from settled.
    expect(new Set(words.slice(2).map((word, i) => `${words[i]} ${words[i + 1]} ${word}`)).size).toBeGreaterThan(
      15_000,
    );
  });

  test("is well formed", () => {
    expect(text).not.toMatch(/[{}[\]|]|\(n\)|undefined|NaN/); // nothing of the grammar is left
    expect(text).not.toMatch(/ {2}|\n{3}| \n|\n | [,.!?;:]/);
    expect(text).not.toMatch(/[.!?] [a-z]/); // a sentence begins with a capital
    expect(text).not.toMatch(/\b[Aa] [aeio]/);
    expect(text.match(/\b[Aa]n (?!hour)[^aeiou]/g)).toBeNull();
    for (const paragraph of text.trimEnd().split("\n\n")) expect(paragraph.split('"').length % 2, paragraph).toBe(1);
  });
});

describe("facts of the valley", () => {
  test("every sum is right", () => {
    const value = (word: string): number => numbers.indexOf(word.toLowerCase());
    const sums = [...text.matchAll(/\b(\w+) and (\w+) make (\w+)/gi)];
    const differences = [...text.matchAll(/\b(\w+) less (\w+) is (\w+)/gi)];
    expect(sums.length).toBeGreaterThan(200);
    expect(differences.length).toBeGreaterThan(200);
    for (const [line, x, y, z] of sums) expect(value(x!) + value(y!), line).toBe(value(z!));
    for (const [line, x, y, z] of differences) expect(value(x!) - value(y!), line).toBe(value(z!));
  });

  test("people keep their work, and he is he", () => {
    for (const { name, work, she, petName, pet } of people) {
      const works = [...text.matchAll(new RegExp(`\\b${name}(?:,)? the (\\w+)`, "g"))].map(([, found]) => found);
      expect(works.length, name).toBeGreaterThan(50);
      expect(new Set(works)).toEqual(new Set([work]));
      expect(
        new Set(
          [...text.matchAll(new RegExp(`\\b${name} is an? \\w+\\. (\\w+) lives`, "g"))].map(([, found]) => found),
        ),
      ).toEqual(new Set([she ? "She" : "He"]));
      expect(
        new Set([...text.matchAll(new RegExp(`\\b${petName} the (\\w+)`, "g"))].map(([, found]) => found)),
      ).toEqual(new Set([pet]));
    }
  });

  test("animals sleep where they sleep", () => {
    for (const [animal, , , bed] of wildlife) {
      const beds = [
        ...text.matchAll(new RegExp(`${animal} (?:\\w+ at dusk|eats [\\w ]+) and sleeps ([\\w ]+)\\.`, "gi")),
      ].map(([, found]) => found);
      expect(beds.length, animal).toBeGreaterThan(0);
      expect(new Set(beds)).toEqual(new Set([bed]));
    }
  });
});

describe("expand", () => {
  test("binds names, chooses, fits articles, begins sentences", () => {
    expect(expand(rng(1), "a(n) {x} met a(n) {y}. it said: [no|no]!", { x: "owl", y: "hare" })).toBe(
      "An owl met a hare. It said: no!",
    );
    expect(new Set(Array.from({ length: 50 }, (_, seed) => expand(rng(seed), "[x|[y|z]]", {})))).toEqual(
      new Set(["X", "Y", "Z"]),
    );
  });

  test("refuses what it cannot bind", () => {
    expect(() => expand(rng(1), "{who}", { a: "x" })).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: expand: template has the name {who}, expected one of a]`,
    );
    expect(() => generateCorpus(1, 0)).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: generateCorpus: bytes is out of range, expected a whole number >= 1, got 0]`,
    );
    expect(() => generateCorpus(-1, 10)).toThrow(RangeError);
  });
});
