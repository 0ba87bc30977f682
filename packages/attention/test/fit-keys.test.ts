import { dataSync, referenceBackend, type Tensor, tensor, useBackend, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import { cutKeys, fitKeys, hideUnfilled } from "../src/fit-keys.ts";

useBackend(referenceBackend());

const bits = (x: Tensor | undefined) => x && [...dataSync(x)].join("");
const mask = (rows: number[][]) => tensor(rows, { dtype: "bool" });

test("stretches a mask or bias over unfilled places, unless it is one column for all", () => {
  expect(
    bits(
      fitKeys(
        mask([
          [1, 1],
          [0, 1],
        ]),
        4,
      ),
    ),
  ).toBe("11000100");
  expect([...dataSync(fitKeys(tensor([[[[5, 6]]]]), 3))]).toEqual([5, 6, 0]);
  const column = zeros([2, 1]);
  expect(fitKeys(column, 4)).toBe(column);
});

test("hides unfilled places whatever the mask", () => {
  const like = zeros([1]);
  expect(bits(hideUnfilled(mask([[0, 1]]), 2, 3, like))).toBe("010");
  expect(bits(hideUnfilled(undefined, 2, 3, like))).toBe("110");
  expect(bits(hideUnfilled(mask([[1], [0]]), 2, 3, like))).toBe("110000");
  expect(bits(hideUnfilled(mask([[1]]), 1, 3, like))).toBe("100");
  expect(hideUnfilled(undefined, 3, 3, like)).toBeUndefined();
});

test("cuts what is observed back to the filled places", () => {
  const x = tensor([
    [
      [
        [1, 2, 0],
        [3, 4, 0],
      ],
    ],
  ]);
  expect([...dataSync(cutKeys({ scores: x, probs: x }, 2).probs)]).toEqual([1, 2, 3, 4]);
  expect(cutKeys({ scores: x, probs: x }, 3).scores).toBe(x);
});
