import { arange, dataSync, referenceBackend, type Tensor, tensor, useBackend, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import {
  and,
  arbitrary,
  blockDiagonal,
  causal,
  dilated,
  full,
  globalTokens,
  type Mask,
  not,
  or,
  padding,
  prefix,
  slidingWindow,
  tree,
} from "../src/index.ts";

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
  expect(rows(full()(arange(0, 2), arange(0, 3)))).toEqual(["111"]);
  expect(full()(ids([[0, 1]]), ids([[0, 1, 2]])).shape).toEqual([1, 1, 1, 3]);
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

/** What a mask shows of 6 tokens, all at once. */
const seen = (mask: Mask) => rows(mask(arange(0, 6), arange(0, 6)));

test("sliding window: less than windowSize positions away", () => {
  expect(seen(slidingWindow({ windowSize: 2 }))).toEqual(["110000", "111000", "011100", "001110", "000111", "000011"]);
  expect(seen(and(causal(), slidingWindow({ windowSize: 3 })))).toEqual([
    "100000",
    "110000",
    "111000",
    "011100",
    "001110",
    "000111",
  ]);
  expect(rows(slidingWindow({ windowSize: 2 })(ids([9]), ids([9, 4, 8])))).toEqual(["101"]);
});

test("dilated: distances that are multiples", () => {
  expect(seen(dilated({ dilation: 3 }))).toEqual(["100100", "010010", "001001", "100100", "010010", "001001"]);
  const far = 16_000_000;
  expect(rows(dilated({ dilation: 7 })(ids([far]), ids([far - 7 * 1234567, far - 7 * 1234567 - 1])))).toEqual(["10"]);
});

test("prefix: the keys below a position, with causal() a prefix language model", () => {
  expect(rows(prefix({ prefixLen: 2 })(arange(0, 3), arange(0, 4)))).toEqual(["1100"]);
  expect(seen(or(causal(), prefix({ prefixLen: 3 }))).slice(0, 4)).toEqual(["111000", "111000", "111000", "111100"]);
  const each = prefix({ prefixLen: ids([1, 2]) })(arange(0, 3), arange(0, 3));
  expect(each.shape).toEqual([2, 1, 1, 3]);
  expect(rows(each)).toEqual(["100", "110"]);
});

test("block diagonal: keys of the own segment, by place", () => {
  expect(seen(blockDiagonal(ids([0, 0, 1, 1, 1, 2])))).toEqual([
    "110000",
    "110000",
    "001110",
    "001110",
    "001110",
    "000001",
  ]);
  // two rows, and the last query of a decoding
  const packed = blockDiagonal(
    ids([
      [4, 4, 5],
      [4, 5, 5],
    ]),
  );
  expect(rows(packed(ids([0]), ids([0, 1, 0])))).toEqual(["001", "011"]);
});

test("global tokens see all and are seen by all", () => {
  expect(seen(or(slidingWindow({ windowSize: 1 }), globalTokens({ positions: [0, 4] })))).toEqual([
    "111111",
    "110010",
    "101010",
    "100110",
    "111111",
    "100011",
  ]);
});

test("arbitrary reads a table by position; what lies outside is hidden", () => {
  const table = keep([
    [1, 0, 1],
    [0, 1, 1],
  ]);
  expect(rows(arbitrary(table)(ids([1, 0, 2]), ids([0, 2, 3])))).toEqual(["010", "110", "000"]);
  expect(arbitrary(table)(ids([[1, 0]]), ids([[0, 2, 1]])).shape).toEqual([1, 1, 2, 3]);
});

test("tree: a node sees itself and its ancestors", () => {
  expect(rows(tree([-1, 0, 0, 2, -1])(arange(0, 5), arange(0, 5)))).toEqual([
    "10000",
    "11000",
    "10100",
    "10110",
    "00001",
  ]);
});

test("or and not", () => {
  expect(seen(not(causal()))[1]).toBe("001111");
  expect(seen(or(not(causal()), causal()))).toEqual(new Array(6).fill("111111"));
  // by De Morgan
  const [a, b] = [slidingWindow({ windowSize: 2 }), dilated({ dilation: 2 })];
  expect(seen(not(or(a, b)))).toEqual(seen(and(not(a), not(b))));
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
  expect(() => or()).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: or: masks is empty, expected at least one mask, got none. Use not(full()) to hide everything]`,
  );
  expect(() => slidingWindow({ windowSize: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: slidingWindow: windowSize is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => dilated({ dilation: 1.5 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: dilated: dilation is out of range, expected a whole number >= 1, got 1.5]`,
  );
  expect(() => prefix({ prefixLen: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: prefix: prefixLen is out of range, expected a whole number >= 0, got -1]`,
  );
  expect(() => prefix({ prefixLen: zeros([2]) })).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: prefix: prefixLen has dtype float32, expected int32. Use cast]`,
  );
  expect(() => blockDiagonal(zeros([2, 2, 2], { dtype: "int32" }))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: blockDiagonal: segments has shape [2, 2, 2], expected [S] or [B, S]]`,
  );
  expect(() => blockDiagonal(ids([0, 1]))(arange(0, 3), arange(0, 3))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: blockDiagonal: segments has 2 columns in shape [2], expected at least S=3 (from keyPositions) of which the last T=3 are the queries']`,
  );
  expect(() => globalTokens({ positions: [] })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: globalTokens: positions is empty, expected at least one position, got none]`,
  );
  expect(() => globalTokens({ positions: [-2] })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: globalTokens: positions is out of range, expected a whole number >= 0, got -2]`,
  );
  expect(() => arbitrary(zeros([2, 2]))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: arbitrary: table has dtype float32, expected bool. Use cast]`,
  );
  expect(() => tree([0])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: tree: parents[0] is out of range, expected -1 or the number of an earlier node (0..-1), got 0]`,
  );
  expect(() => tree([])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: tree: parents is empty, expected at least one node, got none]`,
  );
});
