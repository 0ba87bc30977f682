import {
  arange,
  dataSync,
  fromArray,
  item,
  referenceBackend,
  reshape,
  rng,
  type Tensor,
  useBackend,
  zeros,
} from "@heed/tensor";
import { describe, expect, test } from "vitest";
import {
  answerSpan,
  bestSpan,
  multiLabel,
  multipleChoice,
  regression,
  sentencePair,
  sequenceClassification,
  stackExamples,
  tokenClassification,
} from "../src/index.ts";
import { classLogits, type Opinion, objectiveContract } from "../src/testing.ts";

useBackend(referenceBackend());

const template = { length: 12, classId: 1, separatorId: 2, paddingId: 0 };
const ids = (...values: number[]) => Int32Array.of(...values);
const text = (seed: number, length = 4): Int32Array => {
  const draw = rng(seed).fork(7);
  return Int32Array.from({ length }, () => 3 + draw.nextInteger(9));
};
const labelOf = (seed: number, numClasses: number): number => rng(seed).nextInteger(numClasses);
const rows = (targets: ArrayLike<number>, C: number, opinion: Opinion): Tensor =>
  reshape(classLogits(targets, C, opinion), [targets.length, C]);
const notRead = { impossible: "the label is no part of what the model reads" };

const one = { batchSize: 4, lossRate: 1, visibleTarget: notRead };
const byClass = (numClasses: number) => ({
  ...one,
  output: ({ targets }: { targets: Int32Array }, opinion: Opinion) => rows(targets, numClasses, opinion),
  uniformLoss: () => Math.log(numClasses),
  weights: ({ lossWeights }: { lossWeights: Float32Array }) => lossWeights,
});

describe("sequenceClassification", () => {
  const make = () => sequenceClassification({ ...template, numClasses: 3 });
  const contract = objectiveContract(make, {
    ...byClass(3),
    source: (seed) => ({ tokens: text(seed), label: labelOf(seed, 3) }),
    reweigh: (example, lossWeights) => ({ ...example, lossWeights }),
  });
  for (const { name, run } of contract) test(name, run);

  test("reads the text between its special ids and hides padding", () => {
    const example = make().prepare({ tokens: ids(7, 8), label: 2 }, rng(0));
    expect([...example.inputs]).toEqual([1, 7, 8, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    const mask = make().maskFor!(stackExamples([example, make().prepare({ tokens: text(1, 10), label: 0 }, rng(0))]));
    const places = arange(0, 12);
    const seen = mask(places, places);
    expect(seen.shape).toEqual([2, 1, 1, 12]);
    expect(dataSync(seen).join("")).toBe(`111100000000${"1".repeat(12)}`);
  });

  test("all labels ignored: loss 0", () => {
    const example = make().prepare({ tokens: ids(7), label: -100 }, rng(0));
    expect(item(make().loss(zeros([1, 3]), example))).toBe(0);
  });
});

describe("sentencePair", () => {
  const make = () => sentencePair({ ...template, numClasses: 3 });
  const contract = objectiveContract(make, {
    ...byClass(3),
    source: (seed) => ({ first: text(seed), second: text(seed + 1, 3), label: labelOf(seed, 3) }),
    reweigh: (example, lossWeights) => ({ ...example, lossWeights }),
  });
  for (const { name, run } of contract) test(name, run);

  test("puts the texts in segments 0 and 1", () => {
    const example = make().prepare({ first: ids(7, 8), second: ids(9), label: 1 }, rng(0));
    expect([...example.inputs]).toEqual([1, 7, 8, 2, 9, 2, 0, 0, 0, 0, 0, 0]);
    expect([...example.segments]).toEqual([0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]);
    expect([...example.keep]).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  });
});

describe("tokenClassification", () => {
  const make = () => tokenClassification({ ...template, numClasses: 3 });
  const contract = objectiveContract(make, {
    source: (seed) => ({ tokens: text(seed, 6), labels: text(seed, 6).map((id) => id % 3) }),
    output: ({ targets }, opinion) => classLogits(targets, 3, opinion),
    uniformLoss: () => Math.log(3),
    weights: ({ lossWeights }) => lossWeights,
    reweigh: (example, lossWeights) => ({ ...example, lossWeights }),
    lossRate: 6 / 12,
    lossRateDeviation: 0,
    visibleTarget: notRead,
  });
  for (const { name, run } of contract) test(name, run);

  test("labels lie at the places of their tokens", () => {
    const { targets, lossWeights } = make().prepare({ tokens: ids(7, 8, 9), labels: ids(2, -100, 1) }, rng(0));
    expect([...targets].slice(0, 5)).toEqual([0, 2, 0, 1, 0]);
    expect([...lossWeights]).toEqual([0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});

/** A number for each row and column, as coins or values. */
const table = (targets: Float32Array, columns: number, value: (target: number) => number): Tensor =>
  fromArray(Float64Array.from(targets, value), [targets.length / columns, columns], { dtype: "float64" });

describe("multiLabel", () => {
  const make = () => multiLabel({ ...template, numLabels: 4 });
  const contract = objectiveContract(make, {
    ...one,
    source: (seed) => ({ tokens: text(seed), labels: [labelOf(seed, 4), 3] }),
    output: ({ targets }, opinion) =>
      table(targets, 4, (target) => (2 * target - 1) * { uniform: 0, perfect: 1000, wrong: -10 }[opinion]),
    uniformLoss: () => Math.LN2,
    weights: ({ lossWeights }) => lossWeights,
    reweigh: (example, lossWeights) => ({ ...example, lossWeights }),
  });
  for (const { name, run } of contract) test(name, run);

  test("none may hold, and unknown ones do not count", () => {
    const none = make().prepare({ tokens: ids(7), labels: [] }, rng(0));
    expect([[...none.targets], [...none.lossWeights]]).toEqual([[0, 0, 0, 0], [1]]);
    expect([...make().prepare({ tokens: ids(7), labels: undefined }, rng(0)).lossWeights]).toEqual([0]);
  });
});

describe("regression", () => {
  const make = () => regression({ ...template, numValues: 2 });
  const contract = objectiveContract(make, {
    ...one,
    source: (seed) => ({ tokens: text(seed), values: [seed % 7, -2] }),
    output: ({ targets }, opinion) =>
      table(targets, 2, (target) => ({ uniform: 0, perfect: target, wrong: target + 5 })[opinion]),
    // In place of ln V: a model that says 0 errs by the mean of the squares.
    uniformLoss: ({ targets }) => targets.reduce((sum, value) => sum + value * value, 0) / targets.length,
    weights: ({ lossWeights }) => lossWeights,
    reweigh: (example, lossWeights) => ({ ...example, lossWeights }),
  });
  for (const { name, run } of contract) test(name, run);
});

describe("answerSpan", () => {
  const make = () => answerSpan(template);
  const contract = objectiveContract(make, {
    ...one,
    source: (seed) => ({
      question: text(seed, 3),
      context: text(seed, 5),
      answer: seed % 3 ? { first: seed % 5, last: 4 } : undefined,
    }),
    output: ({ starts, ends }, opinion) => ({ start: rows(starts, 12, opinion), end: rows(ends, 12, opinion) }),
    uniformLoss: () => Math.log(12),
    weights: ({ startWeights }) => startWeights,
    reweigh: (example, lossWeights) => ({ ...example, startWeights: lossWeights, endWeights: lossWeights }),
  });
  for (const { name, run } of contract) test(name, run);

  test("the answer lies behind the question; none lies at the class place", () => {
    const item = { question: ids(7, 8), context: ids(9, 10, 11) };
    const found = make().prepare({ ...item, answer: { first: 1, last: 2 } }, rng(0));
    expect([...found.starts, ...found.ends].map((place) => found.inputs[place])).toEqual([10, 11]);
    const none = make().prepare(item, rng(0));
    expect([...none.starts, ...none.ends]).toEqual([0, 0]);
  });

  test("the best span is ordered, short enough and better than none", () => {
    const [start, end] = [
      [2, 0, 1, 5, 4],
      [1, 7, 6, 0, 2],
    ];
    expect(bestSpan(start, end, { from: 1, to: 5 })).toEqual({ first: 1, last: 1, score: 7 });
    expect(bestSpan(start, end, { from: 2, to: 5 })).toEqual({ first: 2, last: 2, score: 7 });
    expect(bestSpan(start, end, { from: 3, to: 5 })).toEqual({ first: 3, last: 4, score: 7 });
    expect(bestSpan(start, end, { from: 3, to: 5, maxTokens: 1 })).toEqual({ first: 4, last: 4, score: 6 });
    expect(bestSpan(start, end, { from: 3, to: 5, threshold: 4 })).toBeUndefined();
  });
});

describe("multipleChoice", () => {
  const make = () => multipleChoice({ ...template, numChoices: 3 });
  const contract = objectiveContract(make, {
    ...byClass(3),
    source: (seed) => ({
      question: text(seed),
      choices: [1, 2, 3].map((i) => text(seed + i, 2)),
      label: labelOf(seed, 3),
    }),
    reweigh: (example, lossWeights) => ({ ...example, lossWeights }),
  });
  for (const { name, run } of contract) test(name, run);

  test("one row for each choice", () => {
    const { inputs } = make().prepare({ question: ids(7), choices: [ids(8), ids(9), ids(10, 11)], label: 0 }, rng(0));
    const read = [0, 12, 24].map((at) => [...inputs.slice(at, at + 6)]);
    expect(read).toEqual([
      [1, 7, 2, 8, 2, 0],
      [1, 7, 2, 9, 2, 0],
      [1, 7, 2, 10, 11, 2],
    ]);
  });
});

test("names what does not fit", () => {
  const classes = sequenceClassification({ ...template, numClasses: 3 });
  expect(() => sequenceClassification({ ...template, numClasses: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: sequenceClassification: numClasses is out of range, expected a whole number >= 2, got 1]`,
  );
  expect(() => sequenceClassification({ ...template, numClasses: 2, length: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: sequenceClassification: length is out of range, expected a whole number >= 3 (class, one token, separator), got 2]`,
  );
  expect(() => classes.prepare({ tokens: ids(5), label: 3 }, rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: sequenceClassification: label is no class, expected 0..2, or -100 to ignore it, got 3]`,
  );
  expect(() => classes.prepare({ tokens: ids(), label: 0 }, rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: sequenceClassification: a text is empty, expected at least one token in each, got none]`,
  );
  expect(() => classes.prepare({ tokens: text(0, 11), label: 0 }, rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: sequenceClassification: the texts need 13 places with their special ids, expected at most 12 (length). Shorten them or give a greater length]`,
  );
  const example = classes.prepare({ tokens: ids(5), label: 0 }, rng(0));
  expect(() => classes.loss(zeros([2, 3]), example)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: sequenceClassification: example has 1 places, expected 2 (from logits [2, 1, 3]). Stack as many examples as the batch has rows]`,
  );
  const tags = tokenClassification({ ...template, numClasses: 3 });
  expect(() => tags.prepare({ tokens: ids(5, 6), labels: ids(1) }, rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: tokenClassification: labels has length 1, expected 2 (from tokens). Give -100 where a token has none]`,
  );
  expect(() => multiLabel({ ...template, numLabels: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: multiLabel: numLabels is out of range, expected a whole number >= 1, got 0]`,
  );
  const labels = multiLabel({ ...template, numLabels: 2 });
  expect(() => labels.prepare({ tokens: ids(5), labels: [0, 2] }, rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: multiLabel: labels has an unknown one, expected 0..1, got 2]`,
  );
  const coins = labels.prepare({ tokens: ids(5), labels: [0] }, rng(0));
  expect(() => labels.loss(zeros([3, 2]), coins)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: multiLabel: example has 2 targets, expected 6 (from output [3, 2]). Stack as many examples as the batch has rows]`,
  );
  expect(() => regression({ ...template, numValues: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: regression: numValues is out of range, expected a whole number >= 1, got 0]`,
  );
  const values = regression(template);
  expect(() => values.prepare({ tokens: ids(5), values: [1, NaN] }, rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: regression: values is wrong, expected 1 finite numbers, got 1, NaN]`,
  );
  const span = { question: ids(5), context: ids(6, 7), answer: { first: 1, last: 2 } };
  expect(() => answerSpan(template).prepare(span, rng(0))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: answerSpan: answer is not in the text, expected 0 <= first <= last < 2, got first 1, last 2. Leave it out for no answer]`,
  );
  expect(() => bestSpan([1], [1], { from: 0, to: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: bestSpan: from and to are no places of the row, expected 0 <= from < to <= 1, got 0 and 2]`,
  );
  const choice = { question: ids(5), choices: [ids(6)], label: 0 };
  expect(() =>
    multipleChoice({ ...template, numChoices: 2 }).prepare(choice, rng(0)),
  ).toThrowErrorMatchingInlineSnapshot(`[RangeError: multipleChoice: choices has length 1, expected 2 (numChoices)]`);
});
