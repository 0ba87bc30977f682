import { dataSync, referenceBackend, rng, tensor, useBackend, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import { createLinear, geluActivation, Linear, normalInit, reluActivation, zerosInit } from "../src/index.ts";

useBackend(referenceBackend());

const weight = [
  [1, 2, 3],
  [-1, 0, 1],
];

test("computes x weight^T + bias over the last axis", () => {
  const layer = new Linear(tensor(weight), tensor([10, 20]));
  const x = tensor([
    [
      [1, 1, 1],
      [2, 0, -1],
    ],
  ]);
  const y = layer.forward(x);
  expect(y.shape).toEqual([1, 2, 2]);
  expect([...dataSync(y)]).toEqual([16, 20, 9, 17]);
});

test("needs no bias", () => {
  expect([...dataSync(new Linear(tensor(weight)).forward(tensor([[1, 1, 1]])))]).toEqual([6, 0]);
});

test("applies an activation, fused or not, to the result", () => {
  const layer = new Linear(tensor(weight), tensor([-10, 1]));
  const x = tensor([[1, 1, 1]]);
  expect([...dataSync(layer.forward(x, reluActivation))]).toEqual([0, 1]);
  expect([...dataSync(layer.forward(x, (y) => layer.forward(tensor([[0, 0, 0]]), reluActivation) && y))]).toEqual([
    -4, 1,
  ]);
  const gelu = dataSync(layer.forward(x, geluActivation));
  expect(gelu[0]).toBeCloseTo(-4 * 3.167e-5, 7);
  expect(gelu[1]).toBeCloseTo(0.841345, 6);
});

test("createLinear makes the shapes and follows its initializers", () => {
  const layer = createLinear({ dIn: 3, dOut: 2, weight: normalInit({ std: 1, rng: rng(0) }), bias: zerosInit() });
  expect([layer.weight.shape, layer.bias?.shape]).toEqual([[2, 3], [2]]);
  expect(new Set(dataSync(layer.weight)).size).toBe(6);
  expect(createLinear({ dIn: 3, dOut: 2, weight: zerosInit() }).bias).toBeUndefined();
});

test("names what does not fit", () => {
  expect(() => new Linear(tensor(weight), zeros([3]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: Linear: bias has dOut=3 in shape [3], expected dOut=2 (from weight [2, 3])]`,
  );
  expect(() => new Linear(zeros([3]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: Linear: weight has rank 1 in shape [3], expected 2 axes [dOut, dIn]]`,
  );
  expect(() => new Linear(tensor(weight)).forward(zeros([1, 4]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: Linear: x has width 4 in shape [1, 4], expected dIn=3 (from weight [2, 3])]`,
  );
});
