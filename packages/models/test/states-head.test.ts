import { zerosInit } from "@heed/nn";
import { dataSync, referenceBackend, rng, type Tensor, tensor, useBackend, zeros } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { createHeads, createStatesHead, type HeadConfig, StatesHead } from "../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

const states = (): Tensor =>
  tensor([
    [
      [1, 2],
      [3, 4],
      [5, 9],
    ],
    [
      [-1, -2],
      [0, 1],
      [4, 7],
    ],
  ]);
const values = (x: Tensor) => ({ shape: [...x.shape], values: [...dataSync(x)] });

describe("which states a head reads", () => {
  test.each<{ tokens: HeadConfig["tokens"]; expected: object }>([
    { tokens: "first", expected: { shape: [2, 2], values: [1, 2, -1, -2] } },
    { tokens: "second", expected: { shape: [2, 2], values: [3, 4, 0, 1] } },
    { tokens: "last", expected: { shape: [2, 2], values: [5, 9, 4, 7] } },
    { tokens: "mean", expected: { shape: [2, 2], values: [3, 5, 1, 2] } },
    { tokens: "each", expected: { shape: [2, 3, 2], values: [1, 2, 3, 4, 5, 9, -1, -2, 0, 1, 4, 7] } },
    { tokens: "each behind the first", expected: { shape: [2, 2, 2], values: [3, 4, 5, 9, 0, 1, 4, 7] } },
  ])("$tokens", ({ tokens, expected }) => {
    expect(values(new StatesHead({ tokens }).forward(states()))).toEqual(expected);
  });
});

test("a head of each token reads some places where a call names them; others pass that over", () => {
  const places = tensor([4, 1], { dtype: "int32" });
  const read = (tokens: HeadConfig["tokens"]) => values(new StatesHead({ tokens }).forward(states(), { places }));
  expect(read("each")).toEqual({ shape: [2, 2], values: [0, 1, 3, 4] });
  expect(read("first")).toEqual({ shape: [2, 2], values: [1, 2, -1, -2] });
  const head = new StatesHead({ tokens: "each" });
  expect(() => head.forward(states(), { places: tensor([6], { dtype: "int32" }) })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: gather: indices has a value out of range at position 0, expected 0..5, got 6]`,
  );
  expect(() =>
    head.forward(states(), { places: tensor([[0, 1]], { dtype: "int32" }) }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: StatesHead: places has rank 2 in shape [1, 2], expected 1 axis [N]]`,
  );
});

describe("createStatesHead", () => {
  const options = { dModel: 2, weight: zerosInit(), layerNormEpsilon: 0.5, vocabulary: () => zeros([5, 3]) };

  test("a layer, its norm and a last layer stand where they are asked for", () => {
    const parts = (config: HeadConfig) => {
      const { dense, norm, out } = createStatesHead(config, options);
      return { dense: dense?.weight.shape, norm: Boolean(norm), out: out?.weight.shape, bias: out?.bias?.shape };
    };
    const dense = { dOut: 3, activation: "tanh" } as const;
    expect(parts({ tokens: "first" })).toEqual({ norm: false });
    expect(parts({ tokens: "each", out: 4 })).toEqual({ norm: false, out: [4, 2], bias: [4] });
    expect(parts({ tokens: "first", dense })).toEqual({ dense: [3, 2], norm: false });
    const all = { dense: [3, 2], norm: true, out: [5, 3], bias: [5] };
    expect(parts({ tokens: "each", dense, norm: true, out: "vocabulary" })).toEqual(all);
  });
});

describe("what a head computes", () => {
  /** The first layer swaps two values and negates one; the last one weighs them. */
  const weights = () => {
    const made = [
      [
        [0, 1],
        [-1, 0],
      ],
      [[2, 3]],
    ];
    return () => tensor(made.shift()!);
  };
  const make = (rates: Pick<HeadConfig, "dropout" | "dropoutBefore"> = {}) =>
    createStatesHead(
      { tokens: "first", dense: { dOut: 2, activation: "relu" }, norm: true, out: 1, ...rates },
      { dModel: 2, weight: weights(), layerNormEpsilon: 0.25, vocabulary: () => zeros([1, 2]) },
    );

  test("layer, activation, norm, last layer, by hand", () => {
    // [1, 2] -> [2, -1] -> relu [2, 0] -> mean 1, variance 1, 1 / sqrt(1.25) -> 2 a - 3 a with a = 1 / sqrt(1.25)
    // [-1, -2] -> [-2, 1] -> relu [0, 1] -> mean 0.5, variance 0.25, 1 / sqrt(0.5) -> (-2 + 3) / 2 / sqrt(0.5)
    const { shape, values: found } = values(make().forward(states()));
    expect(shape).toEqual([2, 1]);
    expect(found[0]).toBeCloseTo(-1 / Math.sqrt(1.25), 6);
    expect(found[1]).toBeCloseTo(0.5 / Math.sqrt(0.5), 6);
  });

  test("drops before the first and before the last layer, and only with an rng", () => {
    const plain = values(make().forward(states()));
    for (const rates of [{ dropout: 0.5 }, { dropoutBefore: 0.5 }]) {
      const head = make(rates);
      expect(values(head.forward(states()))).toEqual(plain);
      const drawn = Array.from({ length: 8 }, (_, seed) => values(head.forward(states(), { rng: rng(seed) })));
      expect(drawn.some((found) => found.values.some((value, i) => value !== plain.values[i]))).toBe(true);
      expect(values(head.forward(states(), { rng: rng(3) }))).toEqual(drawn[3]);
    }
  });
});

test("several heads by name; one over the vocabulary needs what these are not given", () => {
  const heads = createHeads(
    { tags: { tokens: "each", out: 3 }, text: { tokens: "first", out: 1 } },
    { dModel: 4, weight: zerosInit() },
  );
  expect([heads.tags.forward(zeros([2, 5, 4])).shape, heads.text.forward(zeros([2, 5, 4])).shape]).toEqual([
    [2, 5, 3],
    [2, 1],
  ]);
  expect(() =>
    createHeads({ words: { tokens: "each", out: "vocabulary" } }, { dModel: 4, weight: zerosInit() }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: createHeads: head words scores the vocabulary, expected a number of outputs, got out: "vocabulary". Make it with createStatesHead]`,
  );
});
