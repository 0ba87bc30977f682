import { dataSync, referenceBackend, type Tensor, tensor, useBackend } from "@heed/tensor";
import { beforeEach, expect, test } from "vitest";
import { startingWith, startingWithLast } from "../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

const ids = (rows: number[][]): Tensor => tensor(rows, { dtype: "int32" });

test("a start token stands in front, and the last token is out", () => {
  const source = ids([
    [5, 6, 7],
    [8, 9, 1],
  ]);
  expect([...dataSync(startingWith(2)(source))]).toEqual([2, 5, 6, 2, 8, 9]);
  expect([...dataSync(startingWith(2)(ids([[5]])))]).toEqual([2]);
  expect(dataSync(startingWith(0)(source))).toBeInstanceOf(Int32Array);
});

test("each row starts with its own last token; the place is a count, which padding on the left moves", () => {
  const shift = startingWithLast({ paddingId: 1 });
  const rows = [
    [5, 6, 7, 8],
    [5, 6, 1, 1],
    [1, 1, 6, 7],
    [1, 1, 1, 1],
  ];
  expect([...dataSync(shift(ids(rows)))]).toEqual([8, 5, 6, 7, 6, 5, 6, 1, 1, 1, 1, 6, 1, 1, 1, 1]);
});

test("a start that is no token is refused when the part is made", () => {
  expect(() => startingWith(-1)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: startingWith: startId is no token id, expected a whole number >= 0, got -1]`,
  );
});
