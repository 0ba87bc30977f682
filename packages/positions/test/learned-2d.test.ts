import {
  add,
  arange,
  dataSync,
  fromArray,
  multiply,
  normal,
  referenceBackend,
  rng,
  sum,
  uniform,
  useBackend,
  valueAndGradients,
  zeros,
} from "@heed/tensor";
import { expect, test } from "vitest";
import { LearnedGridPositions, learned2d } from "../src/index.ts";

useBackend(referenceBackend());

const make = (grid: [number, number], numPrefix: number, dModel: number) =>
  learned2d({ grid, numPrefix, dModel, table: (shape) => normal(shape, { rng: rng(1), dtype: "float64" }) });

/** Keys 1981, equation 4 in the form with a free slope, here a = -0.75: p(-1), p(0), p(1), p(2) at t in [0, 1) beyond p(0). */
function cubicConvolution([before, first, second, after]: number[], t: number): number {
  const a = -0.75;
  const outer = (d: number): number => a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a;
  const inner = (d: number): number => (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return before! * outer(1 + t) + first! * inner(t) + second! * inner(1 - t) + after! * outer(2 - t);
}

/** A line of numbers at another length: output i stands at (i + 0.5) size / length - 0.5, ends repeat. */
function resizeLine(line: readonly number[], length: number): number[] {
  const at = (i: number): number => line[i < 0 ? 0 : i >= line.length ? line.length - 1 : i]!;
  return Array.from({ length }, (_, i) => {
    const place = (i + 0.5) * (line.length / length) - 0.5;
    const whole = Math.floor(place);
    return cubicConvolution([at(whole - 1), at(whole), at(whole + 1), at(whole + 2)], place - whole);
  });
}

function resizeGrid(values: readonly number[][], [rows, columns]: readonly [number, number]): number[][] {
  const wide = values.map((row) => resizeLine(row, columns));
  const tall = Array.from({ length: columns }, (_, c) =>
    resizeLine(
      wide.map((row) => row[c]!),
      rows,
    ),
  );
  return Array.from({ length: rows }, (_, r) => tall.map((column) => column[r]!));
}

test("the independent cubic, by hand", () => {
  const line = resizeLine([1, 1, 1], 5);
  for (const value of line) expect(value).toBeCloseTo(1, 12);
  // Place -0.25 lies 1.25 from the only 1: -0.75 1.25^3 + 3.75 1.25^2 - 6 1.25 + 3 = -0.10546875; place 0.25 lies 0.75 from it and 1.75 from its copy.
  expect(resizeLine([0, 1], 4)).toEqual(
    [-0.10546875, 0.2265625, 0.7734375, 1.10546875].map((v) => expect.closeTo(v, 6)),
  );
});

test.each<{ from: [number, number]; to: [number, number]; numPrefix: number }>([
  { from: [3, 4], to: [6, 8], numPrefix: 0 },
  { from: [3, 4], to: [5, 3], numPrefix: 1 },
  { from: [4, 2], to: [2, 7], numPrefix: 2 },
  { from: [1, 1], to: [2, 2], numPrefix: 0 },
  { from: [2, 3], to: [2, 3], numPrefix: 1 },
])("a table of $from resized to $to equals cubic convolution", ({ from, to, numPrefix }) => {
  const E = 3;
  const position = make(from, numPrefix, E);
  const old = dataSync(position.table);
  const resized = position.resize(to);
  expect([resized.grid, resized.numPrefix, resized.table.shape]).toEqual([
    to,
    numPrefix,
    [numPrefix + to[0] * to[1], E],
  ]);
  const y = dataSync(resized.table);
  expect([...y.slice(0, numPrefix * E)]).toEqual([...old.slice(0, numPrefix * E)]);
  for (let e = 0; e < E; e++) {
    const channel = Array.from({ length: from[0] }, (_, r) =>
      Array.from({ length: from[1] }, (_, c) => old[(numPrefix + r * from[1] + c) * E + e]!),
    );
    resizeGrid(channel, to)
      .flat()
      .forEach((value, i) => expect(y[(numPrefix + i) * E + e]).toBeCloseTo(value, 12));
  }
});

test("gradients of a resized table reach the first one: all shares of an output sum to 1", () => {
  const position = make([2, 2], 1, 1);
  const { gradients } = valueAndGradients(() => sum(position.resize([4, 6]).table), [position.table]);
  const shares = [...dataSync(gradients[0])];
  expect(shares[0]).toBeCloseTo(1, 12);
  for (const share of shares.slice(1)) expect(share).toBeCloseTo(6, 12); // 24 outputs, four patches, by symmetry
});

test("a table that is not trainable adds the same, gets no gradient and stays so when resized", () => {
  const table = uniform([5, 2], { rng: rng(3), dtype: "float64" });
  const [learned, fixed] = [true, false].map(
    (trainable) => new LearnedGridPositions(table, { grid: [2, 2], numPrefix: 1, trainable }),
  );
  const x = zeros([1, 5, 2], { dtype: "float64" });
  expect(dataSync(fixed!.embed(x, arange(0, 5)))).toEqual(dataSync(learned!.embed(x, arange(0, 5))));
  for (const [position, share] of [
    [learned!, 1],
    [fixed!, 0],
  ] as const) {
    const { gradients } = valueAndGradients(
      () => sum(add(position.embed(x, arange(0, 5)), sum(multiply(table, 0)))),
      [table],
    );
    expect([...dataSync(gradients[0])]).toEqual(new Array(10).fill(share));
  }
  expect(fixed!.resize([4, 4]).trainable).toBe(false);
});

test("names what does not fit", () => {
  const position = make([2, 2], 1, 2);
  expect(() => position.embed(zeros([1, 3, 2], { dtype: "float64" }), arange(3, 6))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: LearnedGridPositions: positions has 5 at index 2, expected 0..4 (from a table of 5 positions). Shorten the sequence or build a longer table]`,
  );
  expect(() =>
    position.vectors(fromArray([-1], [1], { dtype: "int32" }), { dModel: 2 }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: LearnedGridPositions: positions has -1 at index 0, expected 0..4 (from a table of 5 positions). Shorten the sequence or build a longer table]`,
  );
  expect(() => position.vectors(arange(0, 1), { dModel: 4 })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: LearnedGridPositions: dModel is 4, expected 2 (from table [5, 2])]`,
  );
  expect(() => position.embed(zeros([1, 3, 4]), arange(0, 3))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: LearnedGridPositions: x has shape [1, 3, 4], expected [..., T, E] with E=2]`,
  );
  expect(() => new LearnedGridPositions(zeros([5, 2]), { grid: [2, 3] })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: LearnedGridPositions: table has 5 rows in shape [5, 2], expected 6 (from 0 before a grid of 2 x 3)]`,
  );
  expect(() => position.resize([0, 2])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: LearnedGridPositions: grid[0] is out of range, expected a whole number >= 1, got 0]`,
  );
});
