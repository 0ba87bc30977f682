import { dataSync, multiply, referenceBackend, rng, type Tensor, tensor, useBackend } from "@heed/tensor";
import { expect, test } from "vitest";
import { PreNormBlock } from "../src/index.ts";

useBackend(referenceBackend());

const scale = (factor: number) => ({ forward: (x: Tensor) => multiply(x, factor) });
const parts = { norm1: scale(2), attention: scale(3), norm2: scale(5), feedForward: scale(7) };

test("adds each branch to what it was made from, normalized before", () => {
  // x + 3 * 2 x = 7 x, then 7 x + 7 * 5 * 7 x
  expect(dataSync(new PreNormBlock(parts).forward(tensor([[[1]]])))[0]).toBe(7 + 245);
});

test("hands options on to attention", () => {
  const mask = tensor([[1]], { dtype: "bool" });
  const seen: unknown[] = [];
  const attention = {
    forward(x: Tensor, options?: object) {
      seen.push(options);
      return x;
    },
  };
  new PreNormBlock({ ...parts, attention }).forward(tensor([[[1]]]), { mask });
  expect(seen).toEqual([{ mask }]);
});

test("drops branches, not the residual, and only with rng", () => {
  const block = new PreNormBlock({ ...parts, residualDropout: 0.5 });
  const x = tensor([Array.from({ length: 64 }, () => [1])]);
  expect(new Set(dataSync(block.forward(x)))).toEqual(new Set([252]));
  // first branch dropped or doubled: 1 or 13; second: as it is, or 1 + 70 times it
  expect(new Set(dataSync(block.forward(x, { rng: rng(1) })))).toEqual(new Set([1, 13, 71, 923]));
});
