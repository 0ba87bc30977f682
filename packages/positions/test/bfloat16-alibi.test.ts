import { dataSync, fromArray, referenceBackend, type Tensor, useBackend } from "@heed/tensor";
import { expect, test } from "vitest";
import { alibi, bfloat16Alibi } from "../src/index.ts";

useBackend(referenceBackend());

const at = (...positions: number[]): Tensor => fromArray(Int32Array.from(positions), [positions.length]);

test("is ALiBi where products need no rounding", () => {
  const positions = at(0, 1, 2, 7, 100);
  const [rounded, exact] = [bfloat16Alibi({ numHeads: 4, maxSeqLen: 128 }), alibi({ numHeads: 4 })].map((position) =>
    position.bias!(positions, positions),
  ) as [Tensor, Tensor];
  expect(rounded.shape).toEqual([1, 4, 5, 5]);
  const [values, expected] = [dataSync(rounded), dataSync(exact)];
  for (let h = 0; h < 4; h++)
    for (let i = 0; i < 5; i++)
      for (let j = 0; j <= i; j++) {
        const place = (h * 5 + i) * 5 + j;
        expect(values[place]).toBeCloseTo(expected[place]!, 10);
      }
});

test("rounds slopes, positions and products to 8 significant bits", () => {
  // Six heads: 1/4, 1/16, 1/64, 1/256, then 2^-1 and 2^-3 of eight heads. Twelve have 2^-0.5 behind the first eight.
  const bias = bfloat16Alibi({ numHeads: 12, maxSeqLen: 300, factor: 2 }).bias!(at(3, 257), at(0, 3, 257));
  const ninth = [...dataSync(bias)].slice(8 * 6, 9 * 6);
  // 2^-0.5 = 0.70710678 -> 181/256; thrice that is 543/256 -> 136/64; 257 itself becomes 256, so 181.
  const [three, far] = [136 / 64, 181];
  expect(ninth).toEqual([0, three, far, 0, three, far].map((key, i) => 2 * (key - (i < 3 ? three : far))));
});

test("rows of a batch have their own positions", () => {
  const position = bfloat16Alibi({ numHeads: 2, maxSeqLen: 8 });
  const keys = fromArray(Int32Array.from([0, 1, 2, 0, 0, 1]), [2, 3]);
  const bias = position.bias!(keys, keys);
  expect(bias.shape).toEqual([2, 2, 3, 3]);
  expect([...dataSync(bias)].slice(6, 9)).toEqual([-2 / 16, -1 / 16, 0]);
  expect([...dataSync(bias)].slice(24, 27)).toEqual([-1 / 16, -1 / 16, 0]);
});

test("positions of padding count as 0, those outside the table are refused", () => {
  const position = bfloat16Alibi({ numHeads: 2, maxSeqLen: 8 });
  const keys = (...values: number[]) => [...dataSync(position.bias!(at(7), at(...values)))];
  expect(keys(-1, 3)).toEqual(keys(0, 3));
  expect(() => keys(8)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: gather: indices has a value out of range at position 0, expected 0..7, got 8]`,
  );
});

test("sizes that do not fit are refused", () => {
  expect(() => bfloat16Alibi({ numHeads: 0, maxSeqLen: 8 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: bfloat16Alibi: numHeads is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => bfloat16Alibi({ numHeads: 2, maxSeqLen: 1.5 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: bfloat16Alibi: maxSeqLen is out of range, expected a whole number >= 1, got 1.5]`,
  );
});
