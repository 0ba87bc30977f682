import {
  dataSync,
  fromArray,
  item,
  referenceBackend,
  sum,
  tensor,
  useBackend,
  valueAndGradients,
  zeros,
} from "@heed/tensor";
import { expect, test } from "vitest";
import {
  binaryCrossEntropy,
  contrastiveLoss,
  cosineSimilarity,
  klDivergence,
  meanSquaredError,
  smoothedTargets,
  softCrossEntropy,
} from "../src/index.ts";

useBackend(referenceBackend());

const float64 = { dtype: "float64" } as const;

test("coins: -t log p - (1 - t) log (1 - p), also where the sigmoid is 0 or 1", () => {
  const [p, q] = [1 / (1 + Math.exp(-0.5)), 1 / (1 + Math.exp(2))];
  const expected = [-Math.log(p), -0.25 * Math.log(q) - 0.75 * Math.log(1 - q)];
  const x = tensor([0.5, -2], float64);
  const losses = dataSync(binaryCrossEntropy(x, tensor([1, 0.25], float64), { reduction: "none" }));
  expect(losses[0]).toBeCloseTo(expected[0]!, 12);
  expect(losses[1]).toBeCloseTo(expected[1]!, 12);
  expect(item(binaryCrossEntropy(tensor([1e4, -1e4]), tensor([0, 1])))).toBe(1e4);
  expect(item(binaryCrossEntropy(tensor([1e4, -1e4]), tensor([1, 0])))).toBe(0);
});

test("squared errors, by each reduction", () => {
  const [x, t] = [tensor([1, 2], float64), tensor([1, 4], float64)];
  expect([item(meanSquaredError(x, t)), item(meanSquaredError(x, t, { reduction: "sum" }))]).toEqual([2, 4]);
});

test("divergence is cross-entropy less the entropy of the target, with 0 log 0 = 0", () => {
  const logits = tensor([[Math.log(1), Math.log(3)]], float64);
  const target = tensor([[0.5, 0.5]], float64);
  const cross = -0.5 * Math.log(1 / 4) - 0.5 * Math.log(3 / 4);
  expect(item(softCrossEntropy(logits, target))).toBeCloseTo(cross, 12);
  expect(item(klDivergence(logits, target))).toBeCloseTo(cross - Math.LN2, 12);
  const sure = valueAndGradients(() => klDivergence(logits, tensor([[0, 1]], float64)), [logits]);
  expect(item(sure.value)).toBeCloseTo(-Math.log(3 / 4), 12);
  expect(dataSync(sure.gradients[0])[0]).toBeCloseTo(0.25, 12);
  expect(dataSync(sure.gradients[0])[1]).toBeCloseTo(-0.25, 12);
});

test("smoothed targets: the rest is shared by the others; padding gets and asks for nothing", () => {
  const labels = tensor([1, 0], { dtype: "int32" });
  const rows = (options: { excludedClass?: number }) => {
    const values = dataSync(smoothedTargets(labels, { numClasses: 4, smoothing: 0.3, dtype: "float64", ...options }));
    return Array.from(values, (value) => Math.round(value * 1e9) / 1e9);
  };
  expect(rows({})).toEqual([0.1, 0.7, 0.1, 0.1, 0.7, 0.1, 0.1, 0.1]);
  expect(rows({ excludedClass: 0 })).toEqual([0, 0.7, 0.15, 0.15, 0, 0, 0, 0]);
});

test("pairs: both ways of choosing", () => {
  const table = [
    [1, 0],
    [2, 3],
  ];
  const nll = (chosen: number, other: number): number => Math.log(1 + Math.exp(other - chosen));
  const expected = (nll(1, 0) + nll(3, 2) + nll(1, 2) + nll(3, 0)) / 4;
  expect(item(contrastiveLoss(tensor(table, float64)))).toBeCloseTo(expected, 12);
});

test("the cosine does not depend on lengths, and a zero row gives 0 with a finite gradient", () => {
  const a = fromArray(Float64Array.of(3, 0, 0, 0), [2, 2]);
  const b = fromArray(Float64Array.of(5, 5, 1, 1), [2, 2]);
  expect(dataSync(cosineSimilarity(a, b))[0]).toBeCloseTo(Math.SQRT1_2, 12);
  expect(dataSync(cosineSimilarity(a, b))[1]).toBe(0);
  const { gradients } = valueAndGradients(() => sum(cosineSimilarity(a, b)), [a]);
  expect(dataSync(gradients[0]).every(Number.isFinite)).toBe(true);
});

test("names what does not fit", () => {
  const two = zeros([2]);
  expect(() => binaryCrossEntropy(two, zeros([3]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: binaryCrossEntropy: targets has shape [3], expected [2] (from logits)]`,
  );
  expect(() => meanSquaredError(two, two, { reduction: "total" as "sum" })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: meanSquaredError: reduction is unknown, expected mean, sum or none, got total]`,
  );
  expect(() => contrastiveLoss(zeros([2, 3]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: contrastiveLoss: similarities has shape [2, 3], expected as many columns as rows. Row i belongs to column i]`,
  );
  expect(() => cosineSimilarity(two, two, { epsilon: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: cosineSimilarity: epsilon is out of range, expected a finite number > 0, got 0]`,
  );
  const labels = tensor([0], { dtype: "int32" });
  expect(() => smoothedTargets(labels, { numClasses: 4, smoothing: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: smoothedTargets: smoothing is out of range, expected a number in [0, 1), got 1]`,
  );
  expect(() =>
    smoothedTargets(labels, { numClasses: 2, smoothing: 0.1, excludedClass: 0 }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: smoothedTargets: numClasses is 2, expected at least 3. No class is left to share 0.1]`,
  );
  expect(() =>
    smoothedTargets(zeros([1, 1], { dtype: "int32" }), { numClasses: 2, smoothing: 0 }),
  ).toThrowErrorMatchingInlineSnapshot(`[ShapeError: smoothedTargets: labels has shape [1, 1], expected [N]]`);
});
