import { item, referenceBackend, reshape, rng, useBackend, zeros } from "@heed/tensor";
import { describe, expect, test } from "vitest";
import { nextSentencePrediction, sentenceOrderPrediction, withMaskedLM } from "../src/index.ts";
import { classLogits, type Opinion, objectiveContract } from "../src/testing.ts";

useBackend(referenceBackend());

const template = { length: 12, classId: 1, separatorId: 2, paddingId: 0 };
const ids = (...values: number[]) => Int32Array.of(...values);
/** 4 documents of 3 sentences; an id tells document and sentence. */
const documents = [0, 1, 2, 3].map((d) => [0, 1, 2].map((s) => ids(10 * (d + 1) + s, 10 * (d + 1) + s + 5)));
const judged = {
  batchSize: 4,
  output: ({ targets }: { targets: Int32Array }, opinion: Opinion) =>
    reshape(classLogits(targets, 2, opinion), [targets.length, 2]),
  uniformLoss: () => Math.LN2,
  weights: ({ lossWeights }: { lossWeights: Float32Array }) => lossWeights,
  lossRate: 1,
  visibleTarget: { impossible: "how the sentences came together is no part of what the model reads" },
};
const share = (labels: readonly number[]): number => labels.reduce((sum, label) => sum + label, 0) / labels.length;

describe("nextSentencePrediction", () => {
  const make = () => nextSentencePrediction({ ...template, negativeRate: 0.3 });
  const source = (seed: number) => ({ documents, document: seed % 4, sentence: seed % 2 });
  const contract = objectiveContract(make, {
    ...judged,
    source,
    reweigh: (example, lossWeights) => ({ ...example, lossWeights }),
  });
  for (const { name, run } of contract) test(name, run);

  test("the label says where the second sentence is from, and negatives come at their rate within 3 sigma", () => {
    const labels = Array.from({ length: 1000 }, (_, seed) => {
      const { inputs, segments, targets } = make().prepare(source(seed), rng(seed));
      const [document, sentence] = [seed % 4, seed % 2];
      expect(inputs[1]).toBe(10 * (document + 1) + sentence);
      expect([...segments].slice(0, 7)).toEqual([0, 0, 0, 0, 1, 1, 1]);
      if (targets[0] === 0) expect(inputs[4]).toBe(10 * (document + 1) + sentence + 1);
      else expect(Math.floor(inputs[4]! / 10)).not.toBe(document + 1);
      return targets[0]!;
    });
    expect(Math.abs(share(labels) - 0.3)).toBeLessThan(3 * Math.sqrt((0.3 * 0.7) / 1000));
  });
});

describe("sentenceOrderPrediction", () => {
  const make = () => sentenceOrderPrediction(template);
  const source = (seed: number) => ({ first: ids(10 + (seed % 5)), second: ids(20, 21) });
  const contract = objectiveContract(make, {
    ...judged,
    source,
    reweigh: (example, lossWeights) => ({ ...example, lossWeights }),
  });
  for (const { name, run } of contract) test(name, run);

  test("the label says which comes first, each half of the time within 3 sigma", () => {
    const labels = Array.from({ length: 1000 }, (_, seed) => {
      const { inputs, targets } = make().prepare(source(seed), rng(seed));
      expect(inputs[1]! >= 20 ? 1 : 0).toBe(targets[0]);
      return targets[0]!;
    });
    expect(Math.abs(share(labels) - 0.5)).toBeLessThan(3 * Math.sqrt(0.25 / 1000));
  });
});

describe("withMaskedLM", () => {
  const masked = { vocabSize: 32, maskId: 4, specialIds: [0, 1, 2], replace: { mask: 1, random: 0 } };
  const make = () => withMaskedLM(sentenceOrderPrediction(template), masked);
  const contract = objectiveContract(make, {
    source: (seed) => ({ first: ids(10 + (seed % 5), 11, 12), second: ids(20, 21, 22) }),
    output: ({ targets, maskedTargets }, opinion) => ({
      tokens: classLogits(maskedTargets, 32, opinion),
      other: reshape(classLogits(targets, 2, opinion), [1, 2]),
    }),
    uniformLoss: () => Math.log(32) + Math.LN2,
    weights: ({ maskedWeights }) => maskedWeights,
    reweigh: { impossible: "places and pairs have weights of their own, which the parts' contracts check" },
    lossRate: 1 / 12,
    lossRateDeviation: 0,
    visibleTarget: (_, prepare) => {
      const { inputs, maskedTargets, maskedWeights } = prepare({ first: ids(10, 11, 12), second: ids(20, 21, 22) });
      const seen = maskedWeights.findIndex((weight, t) => weight > 0 && inputs.includes(maskedTargets[t]!));
      return seen < 0 ? undefined : `the target of place ${seen}`;
    },
  });
  for (const { name, run } of contract) test(name, run);

  test("the sum of both losses, on one row", () => {
    const example = make().prepare({ first: ids(10, 11), second: ids(20, 21) }, rng(0));
    expect(example.inputs.filter((id) => id === 4)).toHaveLength(1);
    const heads = { tokens: zeros([1, 12, 32]), other: zeros([1, 2]) };
    expect(item(make().loss(heads, example))).toBeCloseTo(Math.log(32) + Math.log(2), 5);
  });
});

test("names what does not fit", () => {
  expect(() => nextSentencePrediction({ ...template, negativeRate: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: nextSentencePrediction: negativeRate is out of range, expected a number in (0, 1), got 1]`,
  );
  const next = nextSentencePrediction(template);
  expect(() => next.prepare({ documents, document: 0, sentence: 2 }, rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: nextSentencePrediction: sentence 2 of document 0 has none behind it, expected one with a next. Leave out last sentences]`,
  );
  const one = documents.slice(0, 1);
  expect(() => next.prepare({ documents: one, document: 0, sentence: 0 }, rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: nextSentencePrediction: documents has no other document, expected at least 2 with sentences, got 1. There are no negatives to draw]`,
  );
  const order = sentenceOrderPrediction(template);
  expect(() => order.prepare({ first: ids(), second: ids(5) }, rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: sentenceOrderPrediction: a text is empty, expected at least one token in each, got none]`,
  );
  expect(() => withMaskedLM(order, { vocabSize: 9, maskId: 4, maskRate: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: withMaskedLM: maskRate is out of range, expected a number in (0, 1), got 0]`,
  );
});
