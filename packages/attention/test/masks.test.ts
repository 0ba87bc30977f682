import { arange, dataSync, referenceBackend, type Tensor, tensor, useBackend, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import { and, causal, full, padding } from "../src/index.ts";

useBackend(referenceBackend());

const rows = (mask: Tensor): string[] => {
  const S = mask.shape.at(-1)!;
  const values = [...dataSync(mask)];
  return Array.from({ length: values.length / S }, (_, t) => values.slice(t * S, (t + 1) * S).join(""));
};
const ids = (values: number[] | number[][]) => tensor(values, { dtype: "int32" });
const keep = (values: number[][]) => tensor(values, { dtype: "bool" });

test("causal compares positions, not places", () => {
  expect(rows(causal()(arange(0, 3), arange(0, 3)))).toEqual(["100", "110", "111"]);
  expect(rows(causal()(ids([4]), ids([0, 1, 2, 3, 4])))).toEqual(["11111"]);
  expect(rows(causal()(ids([2]), ids([3, 2, 0])))).toEqual(["011"]);
});

test("causal takes positions that differ by row", () => {
  const mask = causal()(
    ids([
      [0, 1],
      [5, 6],
    ]),
    ids([
      [0, 1],
      [6, 5],
    ]),
  );
  expect(mask.shape).toEqual([2, 1, 2, 2]);
  expect(rows(mask)).toEqual(["10", "11", "01", "11"]);
  const shared = causal()(
    ids([
      [0, 1],
      [5, 6],
    ]),
    ids([0, 1]),
  );
  expect(shared.shape).toEqual([2, 1, 2, 2]);
  expect(rows(shared)).toEqual(["10", "11", "11", "11"]);
});

test("full hides nothing", () => {
  expect(rows(full()(arange(0, 2), arange(0, 3)))).toEqual(["111", "111"]);
  expect(full()(ids([[0, 1]]), ids([[0, 1, 2]])).shape).toEqual([1, 1, 2, 3]);
});

test("padding hides keys by place, and may know of keys to come", () => {
  const mask = padding(
    keep([
      [1, 1, 0, 1],
      [0, 1, 1, 1],
    ]),
  )(arange(0, 2), arange(0, 3));
  expect(mask.shape).toEqual([2, 1, 1, 3]);
  expect(rows(mask)).toEqual(["110", "011"]);
});

test("and shows what every mask shows, with broadcasting", () => {
  const mask = and(
    causal(),
    padding(
      keep([
        [1, 1, 1],
        [0, 1, 1],
      ]),
    ),
    full(),
  )(arange(0, 3), arange(0, 3));
  expect(mask.shape).toEqual([2, 1, 3, 3]);
  expect(mask.dtype).toBe("bool");
  expect(rows(mask)).toEqual(["100", "110", "111", "000", "010", "011"]);
});

test("names what does not fit", () => {
  expect(() => and()).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: and: masks is empty, expected at least one mask, got none. Use full() to hide nothing]`,
  );
  expect(() => causal()(zeros([1, 2, 3], { dtype: "int32" }), arange(0, 3))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: causal: queryPositions has shape [1, 2, 3], expected [T] or [B, T]]`,
  );
  expect(() => padding(keep([[1, 1]]))(arange(0, 3), arange(0, 3))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: padding: keep has 2 columns in shape [1, 2], expected at least 3 (from keyPositions [3])]`,
  );
  expect(() => padding(zeros([1, 2]))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: padding: keep has dtype float32, expected bool. Use cast]`,
  );
});
