import { dataSync, ones, referenceBackend, rng, tensor, useBackend, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import {
  createFeedForward,
  FeedForward,
  GatedFeedForward,
  Linear,
  normalInit,
  reluActivation,
  zerosInit,
} from "../src/index.ts";

useBackend(referenceBackend());

test("is contract(activation(expand(x)))", () => {
  const layer = new FeedForward(
    new Linear(
      tensor([
        [1, 0],
        [0, 1],
        [-1, -1],
      ]),
    ),
    new Linear(
      tensor([
        [1, 10, 100],
        [0, 0, 1],
      ]),
      tensor([0, 7]),
    ),
    reluActivation,
  );
  // expand [1, -2] -> [1, -2, 1] -> relu [1, 0, 1]
  expect([...dataSync(layer.forward(tensor([[[1, -2]]])))]).toEqual([101, 8]);
});

test("any function is an activation", () => {
  const parts = [
    new Linear(
      tensor([
        [2, 0],
        [0, 2],
      ]),
    ),
    new Linear(
      tensor([
        [1, 0],
        [0, 1],
      ]),
    ),
  ] as const;
  expect([...dataSync(new FeedForward(...parts, (x) => x).forward(tensor([[3, -4]])))]).toEqual([6, -8]);
});

test("createFeedForward makes the shapes", () => {
  const weight = normalInit({ std: 1, rng: rng(0) });
  const { expand, contract } = createFeedForward({
    dModel: 2,
    dFF: 5,
    activation: reluActivation,
    weight,
    contractWeight: zerosInit(),
    bias: zerosInit(),
  });
  expect([expand.weight.shape, expand.bias?.shape, contract.weight.shape, contract.bias?.shape]).toEqual([
    [5, 2],
    [5],
    [2, 5],
    [2],
  ]);
  expect(dataSync(contract.weight).every((value) => value === 0)).toBe(true);
  expect(createFeedForward({ dModel: 2, dFF: 5, activation: reluActivation, weight }).expand.bias).toBeUndefined();
});

test("names layers that do not fit", () => {
  expect(
    () => new FeedForward(new Linear(zeros([5, 2])), new Linear(zeros([2, 4])), reluActivation),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: FeedForward: contract has dIn=4 in weight [2, 4], expected 5 (from expand [5, 2])]`,
  );
});

const identity = (size: number) =>
  new Linear(tensor(Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => Number(i === j)))));

test.each([
  { name: "FeedForward", make: (dropout: number) => new FeedForward(identity(8), identity(8), (x) => x, { dropout }) },
  {
    name: "GatedFeedForward",
    make: (dropout: number) =>
      new GatedFeedForward(identity(8), identity(8), identity(8), () => ones([1, 64, 8]), { dropout }),
  },
])("$name drops what lies between its layers, with an rng only", ({ make }) => {
  const x = ones([1, 64, 8]);
  const layer = make(0.25);
  expect([...dataSync(layer.forward(x))].every((value) => value === 1)).toBe(true);
  const values = [...dataSync(layer.forward(x, { rng: rng(1) }))];
  const kept = values.filter((value) => value !== 0);
  for (const value of kept) expect(value).toBeCloseTo(4 / 3, 6);
  // 512 draws: three standard deviations of the share are 0.057
  expect(Math.abs(kept.length / values.length - 0.75)).toBeLessThan(0.057);
  expect(() => make(1)).toThrow(/FeedForward: dropout is out of range, expected a probability in \[0, 1\), got 1$/);
});
