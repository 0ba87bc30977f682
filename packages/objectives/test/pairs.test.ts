import {
  dataSync,
  fromArray,
  item,
  referenceBackend,
  rng,
  type Tensor,
  tensor,
  useBackend,
  valueAndGradients,
  zeros,
} from "@heed/tensor";
import { describe, expect, test } from "vitest";
import { causalLM, distillation, imageTextContrast, retrieval, stackExamples } from "../src/index.ts";
import { classLogits, type Opinion, objectiveContract } from "../src/testing.ts";

useBackend(referenceBackend());

const float64 = { dtype: "float64" } as const;
const template = { length: 6, classId: 1, separatorId: 2, paddingId: 0 };
const text = (seed: number, length = 3): Int32Array => {
  const draw = rng(seed).fork(3);
  return Int32Array.from({ length }, () => 3 + draw.nextInteger(9));
};
const B = 4;
/** Rows that point in directions of their own (perfect), all alike (uniform), or each like the next pair's (wrong). */
const directions = (opinion: Opinion, shift: number): Tensor =>
  fromArray(
    Float64Array.from({ length: B * B }, (_, i) => {
      if (opinion === "uniform") return 1;
      return Number(i % B === (Math.floor(i / B) + (opinion === "wrong" ? shift : 0)) % B);
    }),
    [B, B],
  );
const pairs = {
  batchSize: B,
  uniformLoss: () => Math.log(B),
  weights: () => [1],
  reweigh: { impossible: "every pair is a wrong answer to the others, so none stands for itself" },
  lossRate: 1,
  visibleTarget: { impossible: "which row belongs to which is no part of what a tower reads" },
};

describe("imageTextContrast", () => {
  const make = () => imageTextContrast(template);
  const contract = objectiveContract(make, {
    ...pairs,
    source: (seed) => ({ image: Float32Array.of(seed, 1), tokens: text(seed) }),
    output: (_, opinion) => ({
      image: directions(opinion, 0),
      text: directions(opinion, 1),
      logScale: tensor(Math.log(1000), float64),
    }),
  });
  for (const { name, run } of contract) test(name, run);

  test("lengths of embeddings do not matter; the scale does and learns", () => {
    const prepared = [0, 1].map((seed) => make().prepare({ image: Float32Array.of(seed), tokens: text(seed) }, rng(0)));
    const batch = stackExamples(prepared);
    const image = tensor(
      [
        [3, 0],
        [1, 1],
      ],
      float64,
    );
    const words = tensor(
      [
        [2, 0],
        [0, 0.1],
      ],
      float64,
    );
    const logScale = tensor(Math.log(2), float64);
    // cosines [[1, 0], [s, s]] with s = 1 / sqrt 2, times 2
    const [c, nll] = [Math.SQRT2, (chosen: number, other: number) => Math.log(1 + Math.exp(other - chosen))];
    const expected = (nll(2, 0) + nll(c, c) + nll(2, c) + nll(c, 0)) / 4;
    const { value, gradients } = valueAndGradients(
      () => make().loss({ image, text: words, logScale }, batch),
      [logScale],
    );
    expect(item(value)).toBeCloseTo(expected, 12);
    expect(dataSync(gradients[0])[0]).not.toBe(0);
  });
});

describe("retrieval", () => {
  const make = () => retrieval({ ...template, temperature: 1e-3 });
  const contract = objectiveContract(make, {
    ...pairs,
    source: (seed) => ({ query: text(seed), passage: text(seed + 1, 4) }),
    output: (_, opinion) => ({ queries: directions(opinion, 0), passages: directions(opinion, 1) }),
  });
  for (const { name, run } of contract) test(name, run);

  test("rows alternate between queries and passages", () => {
    const { inputs, keep } = make().prepare({ query: Int32Array.of(7), passage: Int32Array.of(8, 9) }, rng(0));
    expect([...inputs]).toEqual([1, 7, 2, 0, 0, 0, 1, 8, 9, 2, 0, 0]);
    expect([...keep]).toEqual([1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0]);
  });
});

describe("distillation", () => {
  const make = () => distillation({ objective: causalLM({ paddingId: 0 }), temperature: 2, share: 0.25 });
  const contract = objectiveContract(make, {
    source: (seed) => text(seed, 9),
    output: ({ targets }, opinion) => ({
      student: classLogits(targets, 12, opinion),
      teacher: classLogits(targets, 12, opinion === "wrong" ? "perfect" : opinion),
    }),
    uniformLoss: () => 0.75 * Math.log(12),
    weights: ({ lossWeights }) => lossWeights,
    reweigh: (example, lossWeights) => ({ ...example, lossWeights }),
    lossRate: 1,
    visibleTarget: { impossible: "it shows what its objective shows, whose own test it is" },
  });
  // The teacher gets no gradient at any place, so only the student's parts can differ from 0.
  for (const { name, run } of contract) test(name, run);

  test("T^2 KL(teacher || student) at the temperature, by its share; the teacher gets no gradient", () => {
    const objective = distillation({ objective: causalLM(), temperature: 3, share: 1 });
    const example = objective.prepare(Int32Array.of(0, 1), rng(0));
    const [student, teacher] = [tensor([[[0, 3]]], float64), tensor([[[6, 0]]], float64)];
    const probs = (x: number, y: number) => [Math.exp(x), Math.exp(y)].map((e) => e / (Math.exp(x) + Math.exp(y)));
    const [p, q] = [probs(2, 0), probs(0, 1)];
    const divergence = p.reduce((sum, value, i) => sum + value * Math.log(value / q[i]!), 0);
    const { value, gradients } = valueAndGradients(
      () => objective.loss({ student, teacher }, example),
      [student, teacher],
    );
    expect(item(value)).toBeCloseTo(9 * divergence, 12);
    expect([...dataSync(gradients[1])]).toEqual([0, 0]);
  });
});

test("names what does not fit", () => {
  const contrast = imageTextContrast(template);
  const example = contrast.prepare({ image: Float32Array.of(1), tokens: text(0) }, rng(0));
  const logScale = zeros([]);
  expect(() =>
    contrast.loss({ image: zeros([2, 3]), text: zeros([2, 3]), logScale }, example),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: imageTextContrast: example has 6 places, expected 12 (from image [2, 3]). Stack as many examples as the batch has rows]`,
  );
  expect(() =>
    contrast.loss({ image: zeros([1, 3]), text: zeros([1, 2]), logScale }, example),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: imageTextContrast: text has E=2 in shape [1, 2], expected E=3 (from image [1, 3])]`,
  );
  expect(() => retrieval({ ...template, temperature: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: retrieval: temperature is out of range, expected a finite number > 0, got 0]`,
  );
  const search = retrieval(template);
  const pair = search.prepare({ query: text(0), passage: text(1) }, rng(0));
  expect(() =>
    search.loss({ queries: zeros([2, 3]), passages: zeros([2, 3]) }, pair),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: retrieval: example has 2 rows, expected 4 (two for each of queries [2, 3])]`,
  );
  const objective = causalLM();
  expect(() => distillation({ objective, temperature: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: distillation: temperature is out of range, expected a finite number > 0, got 0]`,
  );
  expect(() => distillation({ objective, share: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: distillation: share is out of range, expected a number in [0, 1], got 2]`,
  );
  const distilled = distillation({ objective });
  const places = objective.prepare(Int32Array.of(1, 2, 3), rng(0));
  const two = zeros([1, 2, 4]);
  expect(() => distilled.loss({ student: two, teacher: zeros([1, 2, 5]) }, places)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: distillation: teacher has shape [1, 2, 5], expected [1, 2, 4] (from student)]`,
  );
});
