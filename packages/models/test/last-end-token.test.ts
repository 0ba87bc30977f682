import {
  createWasmBackend,
  dataSync,
  fromArray,
  referenceBackend,
  type Tensor,
  tensor,
  useBackend,
} from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { lastEndToken } from "../src/index.ts";

const ids = (rows: number[][]): Tensor => tensor(rows, { dtype: "int32" });
/** [2, 4, 2]: row b, place t holds 10 b + t and its negative. */
const states = (): Tensor =>
  fromArray(Float32Array.from([0, 1, 2, 3, 10, 11, 12, 13].flatMap((value) => [value, -value])), [2, 4, 2]);

describe.each([
  ["reference", referenceBackend],
  ["default", () => createWasmBackend() ?? referenceBackend()],
] as const)("on the %s backend", (_, backend) => {
  beforeEach(() => void useBackend(backend()));

  const read = (rows: number[][], endId = 2): number[] => [
    ...dataSync(lastEndToken({ endId })(states(), ids(rows), {})),
  ];

  test("the last of several, wherever it stands", () => {
    const rows = [
      [5, 2, 2, 1],
      [2, 1, 1, 2],
    ];
    expect(read(rows)).toEqual([2, -2, 13, -13]);
    const first = [
      [0, 6, 6, 6],
      [6, 6, 6, 0],
    ];
    expect(read(first, 0)).toEqual([0, -0, 13, -13]);
  });

  test("rows with different numbers of end tokens, or none, are refused", () => {
    const rows = [
      [5, 2, 2, 1],
      [6, 6, 2, 1],
    ];
    expect(() => read(rows)).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: lastEndToken: tokens has 1 end tokens in row 1, expected 2, as in row 0: all rows need as many, got [2,1] of token 2. End each text with one]`,
    );
    expect(() => read([rows[1]!, [6, 6, 6, 6]])).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: lastEndToken: tokens has 0 end tokens in row 1, expected at least one in each row, got [1,0] of token 2. End each text with one]`,
    );
    expect(() => read([[6, 6, 6, 6], rows[1]!])).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: lastEndToken: tokens has 0 end tokens in row 0, expected at least one in each row, got [0,1] of token 2. End each text with one]`,
    );
  });

  test("states of another text are refused", () => {
    expect(() =>
      read([
        [5, 2],
        [6, 2],
      ]),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: lastEndToken: tokens has T=2 in shape [2, 2], expected T=4 (from states [2, 4, 2])]`,
    );
  });
});
