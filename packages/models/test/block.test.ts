import { postNorm } from "@heed/nn";
import { dataSync, multiply, referenceBackend, rng, type Tensor, tensor, useBackend } from "@heed/tensor";
import { expect, test } from "vitest";
import { Block } from "../src/index.ts";

useBackend(referenceBackend());

const scale = (factor: number) => ({ forward: (x: Tensor) => multiply(x, factor) });
const parts = { norm1: scale(2), attention: scale(3), norm2: scale(5), feedForward: scale(7) };

test("adds each branch to what it was made from, normalized before", () => {
  // x + 3 * 2 x = 7 x, then 7 x + 7 * 5 * 7 x
  expect(dataSync(new Block(parts).forward(tensor([[[1]]])))[0]).toBe(7 + 245);
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
  new Block({ ...parts, attention }).forward(tensor([[[1]]]), { mask });
  expect(seen).toEqual([{ mask }]);
});

test("drops branches, not the residual, and only with rng", () => {
  const block = new Block({ ...parts, residualDropout: 0.5 });
  const x = tensor([Array.from({ length: 64 }, () => [1])]);
  expect(new Set(dataSync(block.forward(x)))).toEqual(new Set([252]));
  // first branch dropped or doubled: 1 or 13; second: as it is, or 1 + 70 times it
  expect(new Set(dataSync(block.forward(x, { rng: rng(1) })))).toEqual(new Set([1, 13, 71, 923]));
});

test("reads a memory between the two, where it has cross-attention", () => {
  const seen: unknown[] = [];
  const crossAttention = {
    forward(x: Tensor, options?: object) {
      seen.push(options);
      return multiply(x, 11);
    },
  };
  const block = new Block({ ...parts, crossAttention, crossNorm: scale(0.5) });
  const states = tensor([[[4]]]);
  // 7 x, then x + 11 * 0.5 x = 6.5 x, then 36 x
  expect(dataSync(block.forward(tensor([[[1]]]), { memory: { states } }))[0]).toBe(7 * 6.5 * 36);
  expect(seen).toEqual([{ context: states }]);
  expect(() => block.forward(tensor([[[1]]]))).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: Block: memory is missing, expected the states that cross-attention reads, got undefined. Give what an encoder made]`,
  );
  expect(() => new Block({ ...parts, crossAttention })).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: Block: crossNorm is missing, expected crossAttention and crossNorm together or neither, got undefined]`,
  );
});

test("normalizes after each branch instead", () => {
  const block = new Block({ ...parts, placement: postNorm });
  // 2 (x + 3 x) = 8 x, then 5 (8 x + 56 x)
  expect(dataSync(block.forward(tensor([[[1]]])))[0]).toBe(320);
});
