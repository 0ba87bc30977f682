import { referenceBackend, rng, useBackend } from "@heed/tensor";
import { describe, expect, test } from "vitest";
import { denoising, documentRotation, sentencePermutation, textInfilling, tokenDeletion } from "../src/index.ts";
import { classLogits, objectiveContract } from "../src/testing.ts";

useBackend(referenceBackend());

const ids = (...values: number[]) => Int32Array.of(...values);
const distinct = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => 5 + i);
const seeds = Array.from({ length: 200 }, (_, seed) => seed);

describe("denoising", () => {
  const layout = { sourceLength: 24, targetLength: 20, startId: 1, endId: 2, paddingId: 0 };
  const make = () => denoising({ ...layout, noises: [documentRotation(), textInfilling({ maskId: 4 })] });
  const contract = objectiveContract(make, {
    source: (seed) => Int32Array.from({ length: 15 }, (_, i) => 5 + ((i * 7 + seed) % 59)),
    output: ({ targets }, opinion) => classLogits(targets, 64, opinion),
    uniformLoss: () => Math.log(64),
    weights: ({ lossWeights }) => lossWeights,
    reweigh: (example, lossWeights) => ({ ...example, lossWeights }),
    lossRate: 16 / 20,
    lossRateDeviation: 0,
    // What noise leaves may be read by the encoder, as it should be; the decoder must not see what it writes.
    visibleTarget: (_, prepare) => {
      const { decoderInputs, targets, lossWeights } = prepare(distinct(15));
      const seen = lossWeights.findIndex(
        (weight, t) => weight > 0 && decoderInputs.slice(0, t + 1).includes(targets[t]!),
      );
      return seen < 0 ? undefined : `the target of place ${seen}`;
    },
  });
  for (const { name, run } of contract) test(name, run);

  test("the encoder reads the spoiled text, the decoder the whole one", () => {
    const objective = denoising({ ...layout, sourceLength: 5, targetLength: 6, noises: [(tokens) => tokens.slice(1)] });
    const { inputs, keep, decoderInputs, targets } = objective.prepare(ids(7, 8, 9), rng(0));
    expect([inputs, keep, decoderInputs, targets].map((row) => [...row])).toEqual([
      [8, 9, 2, 0, 0],
      [1, 1, 1, 0, 0],
      [1, 7, 8, 9, 2, 0],
      [7, 8, 9, 2, 0, 0],
    ]);
  });
});

test("deletion leaves a part, in order", () => {
  for (const seed of seeds) {
    const left = [...tokenDeletion({ rate: 0.3 })(distinct(10), rng(seed))];
    expect(left).toHaveLength(7);
    expect(left).toEqual([...new Set(left)].sort((a, b) => a - b));
  }
});

test("rotation begins at every token about as often", () => {
  const starts = new Array<number>(5).fill(0);
  for (const seed of seeds) {
    const turned = [...documentRotation()(distinct(5), rng(seed))];
    const start = turned[0]! - 5;
    expect(turned).toEqual([0, 1, 2, 3, 4].map((i) => 5 + ((start + i) % 5)));
    starts[start]!++;
  }
  for (const count of starts) expect(Math.abs(count - 40)).toBeLessThan(3 * Math.sqrt(200 * 0.2 * 0.8));
});

test("permutation keeps sentences whole and reaches every order", () => {
  const orders = new Set<string>();
  for (const seed of seeds) {
    const text = [...sentencePermutation({ sentenceEndId: 3 })(ids(5, 3, 6, 7, 3, 8), rng(seed))].join(" ");
    orders.add(text);
  }
  expect([...orders].sort()).toEqual(
    ["5 3 6 7 3 8", "5 3 8 6 7 3", "6 7 3 5 3 8", "6 7 3 8 5 3", "8 5 3 6 7 3", "8 6 7 3 5 3"].sort(),
  );
});

test("infilling hides exactly its share, in order, with spans of the mean length", () => {
  let [masks, spans] = [0, 0];
  for (const seed of seeds) {
    const left = textInfilling({ maskId: 4, rate: 0.3 })(distinct(100), rng(seed));
    const kept = [...left].filter((id) => id !== 4);
    expect(kept).toHaveLength(70);
    expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
    masks += left.length - kept.length;
    spans++;
  }
  // A row draws spans of Poisson(3) until they reach 30: about 30 / 3 + 0.6 of them, the last being cut.
  expect(masks / spans).toBeGreaterThan(9.5);
  expect(masks / spans).toBeLessThan(11.5);
});

test("names what does not fit", () => {
  const layout = { sourceLength: 4, targetLength: 4, startId: 1, endId: 2, paddingId: 0 };
  expect(() => denoising({ ...layout, noises: [] })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: denoising: noises is empty, expected at least one, got none. Nothing would be left to rebuild]`,
  );
  expect(() =>
    denoising({ ...layout, sourceLength: 0, noises: [documentRotation()] }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: denoising: sourceLength is out of range, expected a whole number >= 2 (one token, end id), got 0]`,
  );
  const objective = denoising({ ...layout, noises: [tokenDeletion({ rate: 0.5 })] });
  expect(() => objective.prepare(distinct(5), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: denoising: target has 5 tokens, expected at most 3, the end id taking one of 4 places. Shorten it or give a greater length]`,
  );
  expect(() => tokenDeletion({ rate: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: tokenDeletion: rate is out of range, expected a number in (0, 1), got 0]`,
  );
  expect(() => textInfilling({ maskId: 4, rate: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: textInfilling: rate is out of range, expected a number in (0, 1), got 1]`,
  );
  expect(() => textInfilling({ maskId: 4, meanSpan: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: textInfilling: meanSpan is out of range, expected a number in (0, 500), got 0]`,
  );
  expect(() => textInfilling({ maskId: 4 })(distinct(2), rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: textInfilling: meanSpan is longer than the sequence, expected at most 2 (from tokens), got 3. Give longer sequences or a shorter mean]`,
  );
});
