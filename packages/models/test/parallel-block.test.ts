import { dataSync, multiply, referenceBackend, rng, type Tensor, tensor, useBackend } from "@heed/tensor";
import { expect, test } from "vitest";
import { ParallelBlock } from "../src/index.ts";

useBackend(referenceBackend());

const scale = (factor: number) => ({ forward: (x: Tensor) => multiply(x, factor) });
const parts = { norm1: scale(2), attention: scale(3), feedForward: scale(7) };

test("both branches read the same input, through one norm or one each", () => {
  expect(dataSync(new ParallelBlock(parts).forward(tensor([[[1]]])))[0]).toBe(1 + 6 + 14);
  expect(dataSync(new ParallelBlock({ ...parts, norm2: scale(5) }).forward(tensor([[[1]]])))[0]).toBe(1 + 6 + 35);
});

test("drops branches, not the residual, and only with rng", () => {
  const block = new ParallelBlock({ ...parts, residualDropout: 0.5 });
  const x = tensor([Array.from({ length: 64 }, () => [1])]);
  expect(new Set(dataSync(block.forward(x)))).toEqual(new Set([21]));
  expect(new Set(dataSync(block.forward(x, { rng: rng(1) })))).toEqual(new Set([1, 13, 29, 41]));
});
