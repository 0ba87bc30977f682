import { dataSync, referenceBackend, tensor, useBackend, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import { createLayerNorm, LayerNorm } from "../src/index.ts";

useBackend(referenceBackend());

test("normalizes the last axis with the biased variance", () => {
  const norm = new LayerNorm(tensor([1, 2, 1, 1]), tensor([0, 0, 0, 5]), 0);
  const y = dataSync(norm.forward(tensor([[[1, 2, 3, 6]]])));
  // mean 3, variance (4 + 1 + 0 + 9) / 4 = 3.5
  const rstd = 1 / Math.sqrt(3.5);
  [-2 * rstd, -2 * rstd, 0, 5 + 3 * rstd].forEach((expected, i) => expect(y[i]).toBeCloseTo(expected, 6));
});

test("epsilon is added to the variance", () => {
  const y = dataSync(new LayerNorm(tensor([1, 1]), undefined, 8).forward(tensor([[1, 3]])));
  expect(y[1]).toBeCloseTo(1 / 3, 6);
});

test("starts as the plain norm, with or without a bias", () => {
  expect([...dataSync(createLayerNorm({ dModel: 2 }).bias!)]).toEqual([0, 0]);
  const plain = createLayerNorm({ dModel: 2, bias: false });
  expect(plain.bias).toBeUndefined();
  expect([...dataSync(plain.gain)]).toEqual([1, 1]);
});

test("names what does not fit", () => {
  expect(() => new LayerNorm(zeros([2]), zeros([3]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: LayerNorm: bias has E=3 in shape [3], expected E=2 (from gain [2])]`,
  );
  expect(() => createLayerNorm({ dModel: 2, epsilon: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: LayerNorm: epsilon is out of range, expected a finite number >= 0, got -1]`,
  );
  expect(() => createLayerNorm({ dModel: 2 }).forward(zeros([1, 3]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: layerNorm: gain has E=2 in shape [2], expected E=3 (from x [1, 3])]`,
  );
});
