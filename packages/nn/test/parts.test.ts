import {
  add,
  dataSync,
  full,
  multiply,
  normal,
  referenceBackend,
  rng,
  type Tensor,
  tensor,
  useBackend,
  zeros,
} from "@heed/tensor";
import { expect, test } from "vitest";
import {
  concatenatePositions,
  createEmbedding,
  createGatedFeedForward,
  DeviationNorm,
  dropPath,
  GatedFeedForward,
  GroupNorm,
  Highway,
  InputEmbedding,
  Linear,
  MixtureOfExperts,
  normalizedResidual,
  parallelBranches,
  postNorm,
  preNorm,
  RmsNorm,
  ScalarMix,
  ScaleNorm,
  sandwichNorm,
  scaledResidual,
  siluActivation,
} from "../src/index.ts";

useBackend(referenceBackend());

const values = (x: Tensor): number[] => [...dataSync(x)];
const doubled = { forward: (x: Tensor): Tensor => multiply(x, 2) };
const plusOne = (x: Tensor): Tensor => add(x, 1);

test("norms stand before, after or around a branch", () => {
  const x = tensor([3]);
  expect(values(preNorm(doubled)(x, plusOne))).toEqual([10]);
  expect(values(postNorm(doubled)(x, plusOne))).toEqual([14]);
  expect(values(normalizedResidual(doubled)(x, plusOne))).toEqual([13]);
  expect(values(sandwichNorm(doubled, doubled)(x, plusOne))).toEqual([17]);
  expect(values(parallelBranches(x, doubled, [plusOne, plusOne]))).toEqual([17]);
  expect(values(preNorm(doubled)(x, plusOne, scaledResidual(0.5)))).toEqual([6.5]);
});

test("dropPath drops whole rows, keeps the mean, and nothing without an rng", () => {
  const ones = full([2000, 2], 1);
  const y = values(dropPath(ones, { rate: 0.25, rng: rng(1) }));
  const kept = y.filter((value) => value !== 0).length / y.length;
  expect(Math.abs(kept - 0.75)).toBeLessThan(3 * Math.sqrt((0.25 * 0.75) / 2000));
  for (let i = 0; i < y.length; i += 2) expect(y[i]).toBe(y[i + 1]);
  expect(Math.max(...y)).toBeCloseTo(4 / 3, 6);
  expect(dropPath(ones, { rate: 0.25 })).toBe(ones);
});

test("a scalar mix is a weighed sum", () => {
  const mix = new ScalarMix(tensor([0, Math.log(3)]), tensor([2]));
  expect(values(mix.forward([tensor([4]), tensor([8])]))[0]).toBeCloseTo(2 * (0.25 * 4 + 0.75 * 8), 5);
});

test("a highway carries or transforms", () => {
  const gate = (bias: number) => new Linear(zeros([1, 1]), tensor([bias]));
  const transform = new Linear(tensor([[3]]));
  expect(values(new Highway(transform, gate(50)).forward(tensor([[2]])))[0]).toBeCloseTo(2, 6);
  expect(values(new Highway(transform, gate(-50)).forward(tensor([[2]])))[0]).toBeCloseTo(6, 6);
});

test("a mixture weighs its k best experts, and a balanced one has loss k", () => {
  const experts = [1, 10, 100].map((factor) => ({ forward: (x: Tensor) => multiply(x, factor) }));
  const router = new Linear(tensor([[Math.log(6)], [Math.log(3)], [0]])); // probs .6 .3 .1
  const { y, balanceLoss } = new MixtureOfExperts(router, experts, { k: 2 }).forward(tensor([[1]]));
  expect(values(y)[0]).toBeCloseTo((0.6 * 1 + 0.3 * 10) / 0.9, 5);
  expect(values(balanceLoss)[0]).toBeCloseTo(3 * 0.9, 5);
  const even = new MixtureOfExperts(new Linear(tensor([[0], [0], [0]])), experts, { k: 3 });
  expect(values(even.forward(tensor([[1]])).balanceLoss)[0]).toBeCloseTo(3, 5);
});

test("inputs are scaled, get segments, and positions beside them", () => {
  const one = (value: number) =>
    createEmbedding({ numEmbeddings: 2, dModel: 1, weight: (shape) => full(shape, value) });
  const position = { vectors: () => tensor([[7], [8]]) };
  const layer = new InputEmbedding({
    tokens: one(3),
    segments: one(5),
    scale: 2,
    position,
    combine: concatenatePositions({ dPosition: 1 }),
  });
  const ids = tensor([[0, 1]], { dtype: "int32" });
  const y = layer.forward(ids, { positions: tensor([0, 1], { dtype: "int32" }), segments: ids });
  expect([y.shape, values(y)]).toEqual([
    [1, 2, 2],
    [11, 7, 11, 8],
  ]);
});

test("a gated feed-forward multiplies by its gate", () => {
  const id = () => new Linear(tensor([[1]]));
  const y = new GatedFeedForward(id(), new Linear(tensor([[5]])), id(), siluActivation).forward(tensor([[2]]));
  expect(values(y)[0]).toBeCloseTo(10 * (2 / (1 + Math.exp(-2))), 5);
  const weight = (shape: readonly number[]) => normal(shape, { rng: rng(0) });
  expect(createGatedFeedForward({ dModel: 2, dFF: 3, activation: siluActivation, weight }).gate.weight.shape).toEqual([
    3, 2,
  ]);
});

test("names what does not fit", () => {
  const one = new Linear(zeros([1, 1]));
  expect(
    () => new GatedFeedForward(one, new Linear(zeros([2, 1])), one, siluActivation),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: GatedFeedForward: gate has weight [1, 1], expected [2, 1] (from expand)]`,
  );
  expect(() => new MixtureOfExperts(one, [])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: MixtureOfExperts: experts is empty, expected at least one]`,
  );
  expect(() => new MixtureOfExperts(one, [doubled])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: MixtureOfExperts: k is out of range, expected a whole number in 1..1, got 2]`,
  );
  expect(() => new ScalarMix(zeros([2]), zeros([1])).forward([])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: ScalarMix: layers has 0 tensors, expected 2 (one for each weight)]`,
  );
  expect(() => dropPath(zeros([1]), { rate: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: dropPath: rate is out of range, expected a number in [0, 1), got 1]`,
  );
  expect(() => new GroupNorm(zeros([4]), zeros([4]), { numGroups: 3 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: GroupNorm: numGroups does not fit, expected a divisor of 4 (from gain), got 3]`,
  );
  expect(() =>
    new GroupNorm(zeros([4]), zeros([4]), { numGroups: 2 }).forward(zeros([1, 3])),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: GroupNorm: x has shape [1, 3], expected [B, C, ...] with C=4 (from gain)]`,
  );
  expect(() => new RmsNorm(zeros([2]), { epsilon: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: RmsNorm: epsilon is out of range, expected a finite number >= 0, got -1]`,
  );
  expect(() => new ScaleNorm(zeros([1]), Number.NaN)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: ScaleNorm: epsilon is out of range, expected a finite number >= 0, got NaN]`,
  );
  expect(() => new DeviationNorm(zeros([2]), zeros([2]), -1)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: DeviationNorm: epsilon is out of range, expected a finite number >= 0, got -1]`,
  );
  expect(() =>
    concatenatePositions({ dPosition: 2 })(zeros([1, 1, 1]), {}, zeros([1])),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: concatenatePositions: position has no vectors, expected an encoding with that hook, such as learned or sinusoidal]`,
  );
});
