import { arange, dataSync, fromArray, normal, referenceBackend, rng, type Tensor, useBackend } from "@heed/tensor";
import { describe, expect, test } from "vitest";
import {
  alibi,
  convolutional,
  learned2d,
  linearScaling,
  llama3Scaling,
  none,
  ntkScaling,
  type PositionEncoding,
  relativeBias,
  relativeKeys,
  rotary,
  sinusoidal,
  sinusoidal2d,
  t5Bias,
  transformerXl,
  yarnScaling,
} from "../src/index.ts";
import { type PositionTraits, positionContract } from "../src/testing.ts";

useBackend(referenceBackend());

const table =
  (seed: number) =>
  (shape: readonly number[]): Tensor =>
    normal(shape, { rng: rng(seed), dtype: "float64" });
const width = 4;
const x = Array.from({ length: 2 * width }, (_, i) => Math.sin(i + 1));
const places = [0, 3];
const pairs = places.flatMap((i) => places.map((j) => [i, j] as const));
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const rowsOf = (weights: Tensor): number[][] => {
  const [rows, columns] = weights.shape as [number, number];
  const values = Array.from(dataSync(weights));
  return Array.from({ length: rows }, (_, i) => values.slice(i * columns, (i + 1) * columns));
};
const clip = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, value));
const token = (place: number): number[] => x.slice((place / 3) * width, (place / 3 + 1) * width);

/** RoFormer equation 15, one 2 x 2 rotation for each pair. */
function rotated(frequencies: readonly number[], layout: "half-split" | "interleaved", magnitude = 1): number[] {
  return places.flatMap((p) => {
    const y = [...token(p)];
    frequencies.forEach((w, i) => {
      const [a, b] = layout === "interleaved" ? [2 * i, 2 * i + 1] : [i, i + frequencies.length];
      const [u, v] = [token(p)[a!]!, token(p)[b!]!];
      y[a!] = magnitude * (u * Math.cos(p * w) - v * Math.sin(p * w));
      y[b!] = magnitude * (v * Math.cos(p * w) + u * Math.sin(p * w));
    });
    return y;
  });
}

interface Row {
  readonly make: () => PositionEncoding;
  readonly other: () => PositionEncoding;
  readonly relative: boolean;
  readonly hook: "embed" | "rotate" | "bias" | "contentBias";
  readonly expected: readonly number[];
  readonly more?: Partial<PositionTraits>;
}

const relativeTable = rowsOf(table(1)([9, 1]));
const t5Table = rowsOf(table(1)([8, 1]));
const keyTable = rowsOf(table(1)([9, width]));
const grid = rowsOf(table(1)([10, width]));
const kernel = rowsOf(table(1)([width, 3]));
const xl = { maxDistance: 9, dModel: 6, numHeads: 1, dHead: width };
const [W, u, v] = [rowsOf(table(1)([width, 6])), rowsOf(table(1)([1, width]))[0]!, rowsOf(table(1)([1, width]))[0]!];
const sines = (d: number): number[] => [
  ...[0, 1, 2].map((i) => Math.sin(d / 10000 ** (i / 3))),
  ...[0, 1, 2].map((i) => Math.cos(d / 10000 ** (i / 3))),
];

const rows: Record<string, Row> = {
  "relative bias": {
    make: () => relativeBias({ maxDistance: 4, numHeads: 1, table: table(1) }),
    other: () => relativeBias({ maxDistance: 4, numHeads: 1, table: table(2) }),
    relative: true,
    hook: "bias",
    expected: pairs.map(([i, j]) => relativeTable[clip(j - i, 4) + 4]![0]!),
  },
  // T5 with 8 buckets both ways: 0..3 before, 4..7 after; half of four are exact, 3 is in the first wide one.
  "T5 bias": {
    make: () => t5Bias({ numHeads: 1, numBuckets: 8, maxDistance: 20, table: table(1) }),
    other: () => t5Bias({ numHeads: 1, numBuckets: 8, maxDistance: 20, table: table(2) }),
    relative: true,
    hook: "bias",
    expected: [0, 6, 2, 0].map((bucket) => t5Table[bucket]![0]!),
  },
  "relative keys": {
    make: () => relativeKeys({ maxDistance: 4, dHead: width, table: table(1) }),
    other: () => relativeKeys({ maxDistance: 4, dHead: width, table: table(2) }),
    relative: true,
    hook: "contentBias",
    expected: pairs.map(([i, j]) => dot(token(i), keyTable[clip(j - i, 4) + 4]!) / 2),
  },
  "relative keys of both sides": {
    make: () => relativeKeys({ maxDistance: 4, dHead: width, table: table(1), bothSides: true }),
    other: () => relativeKeys({ maxDistance: 4, dHead: width, table: table(2), bothSides: true }),
    relative: true,
    hook: "contentBias",
    expected: pairs.map(([i, j]) => {
      const row = keyTable[clip(j - i, 4) + 4]!;
      return (dot(token(i), row) + dot(token(j), row)) / 2;
    }),
  },
  "Transformer-XL": {
    make: () => transformerXl({ ...xl, weight: table(1) }),
    other: () => transformerXl({ ...xl, weight: table(2) }),
    relative: true,
    hook: "contentBias",
    expected: pairs.map(([i, j]) => {
      const r = W.map((row) => dot(row, sines(i - j)));
      const asked = token(i).map((value, d) => value + v[d]!);
      return (dot(u, token(j)) + dot(asked, r)) / 2;
    }),
  },
  ALiBi: {
    make: () => alibi({ numHeads: 1, dtype: "float64" }),
    other: () => alibi({ numHeads: 1, slopes: [1], dtype: "float64" }),
    relative: true,
    hook: "bias",
    expected: pairs.map(([i, j]) => -(2 ** -8) * Math.abs(i - j)),
  },
  rotary: {
    make: () => rotary(),
    other: () => rotary({ base: 20 }),
    relative: true,
    hook: "rotate",
    expected: rotated([1, 0.01], "half-split"),
  },
  "rotary, interleaved, other base": {
    make: () => rotary({ base: 16, layout: "interleaved" }),
    other: () => rotary(),
    relative: true,
    hook: "rotate",
    expected: rotated([1, 0.25], "interleaved"),
  },
  "rotary, partial": {
    make: () => rotary({ width: 2 }),
    other: () => rotary(),
    relative: true,
    hook: "rotate",
    expected: rotated([1], "interleaved"),
  },
  "rotary, linear": {
    make: () => rotary({ scaling: linearScaling({ factor: 4 }) }),
    other: () => rotary(),
    relative: true,
    hook: "rotate",
    expected: rotated([0.25, 0.0025], "half-split"),
  },
  // d / (d - 2) = 2: base 10000 * 4^2
  "rotary, NTK": {
    make: () => rotary({ scaling: ntkScaling({ factor: 4 }) }),
    other: () => rotary(),
    relative: true,
    hook: "rotate",
    expected: rotated([1, 0.0025], "half-split"),
  },
  // Pair at which 2048 positions make 32 turns: 4 ln(2048 / 64 pi) / (2 ln 10000) = 0.50, down to 0; 1 turn: 1.26, up to 2.
  // So pair 1 is half way between w and w / 4.
  "rotary, YaRN": {
    make: () => rotary({ scaling: yarnScaling({ factor: 4, originalMaxSeqLen: 2048 }) }),
    other: () => rotary(),
    relative: true,
    hook: "rotate",
    expected: rotated([1, 0.00625], "half-split", 0.1 * Math.log(4) + 1),
  },
  // Wavelengths 6.28 and 628 in 1000 positions: 159 turns stay; 1.59 turns are (1.59 - 1) / 3 of the way.
  "rotary, Llama 3": {
    make: () => rotary({ scaling: llama3Scaling({ factor: 8, originalMaxSeqLen: 1000 }) }),
    other: () => rotary(),
    relative: true,
    hook: "rotate",
    expected: rotated(
      [1, ((10 / (2 * Math.PI) - 1) / 3) * 0.01 + (1 - (10 / (2 * Math.PI) - 1) / 3) * (0.01 / 8)],
      "half-split",
    ),
  },
  // Patch 3 of a grid of 3 columns: column 0, row 1.
  "sinusoidal 2-D": {
    make: () => sinusoidal2d({ grid: [3, 3] }),
    other: () => sinusoidal2d({ grid: [3, 3], base: 20 }),
    relative: false,
    hook: "embed",
    expected: [0, 1, 0, 1, 0, 1, Math.sin(1), Math.cos(1)].map((value, i) => value + x[i]!),
    more: { maxSeqLen: 9 },
  },
  "learned 2-D": {
    make: () => learned2d({ grid: [3, 3], numPrefix: 1, dModel: width, table: table(1) }),
    other: () => learned2d({ grid: [3, 3], numPrefix: 1, dModel: width, table: table(2) }),
    relative: false,
    hook: "embed",
    expected: places.flatMap((p) => token(p).map((value, d) => value + grid[p]![d]!)),
    more: { maxSeqLen: 10 },
  },
  convolutional: {
    make: () => convolutional({ dModel: width, kernelSize: 3, weight: table(1) }),
    other: () => convolutional({ dModel: width, kernelSize: 3, weight: table(2) }),
    relative: true,
    hook: "embed",
    expected: [0, 1].flatMap((t) =>
      Array.from({ length: width }, (_, d) =>
        [-1, 0, 1].reduce((sum, o) => sum + (x[(t + o) * width + d] ?? 0) * kernel[d]![o + 1]!, x[t * width + d]!),
      ),
    ),
    more: { fromNeighbours: true },
  },
};

describe.each(Object.entries(rows))("%s", (_, { make, other, relative, hook, expected, more }) => {
  const published = [{ hook, positions: places, x, expected, tolerance: 1e-9 }];
  const traits: PositionTraits = { width, relative, maxSeqLen: 40, other, published, ...more };
  for (const { name, run } of positionContract(make, traits)) test(name, run);
});

describe("none", () => {
  const traits: PositionTraits = {
    width,
    relative: true,
    inert: true,
    maxSeqLen: 40,
    other: () => sinusoidal(),
    published: [],
  };
  for (const { name, run } of positionContract(none, traits)) test(name, run);
  test("has no hook", () => expect(Object.keys(none())).toEqual([]));
});

test("a shift of sinusoids is a matrix, in every layout and spacing", () => {
  for (const layout of ["interleaved", "concatenated"] as const) {
    for (const spacing of ["paper", "tensor2tensor"] as const) {
      const position = sinusoidal({ layout, spacing, base: 50 });
      const options = { dModel: 6, dtype: "float64" } as const;
      const A = rowsOf(position.shift(7, options));
      const [before, after] = [arange(3, 5), arange(10, 12)].map((at) => rowsOf(position.vectors(at, options)));
      before!.forEach((row, p) => {
        A.forEach((line, i) => expect(dot(line, row)).toBeCloseTo(after![p]![i]!, 12));
      });
    }
  }
});

test("added positions make four terms of a dot product, concatenated ones two, which a relative bias reproduces", () => {
  const [x1, x2] = [token(0), token(3)];
  const [p1, p2] = rowsOf(
    sinusoidal().vectors(fromArray([2, 5], [2], { dtype: "int32" }), { dModel: width, dtype: "float64" }),
  ) as [number[], number[]];
  const plus = (a: number[], b: number[]): number[] => a.map((value, i) => value + b[i]!);
  const terms = dot(x1, x2) + dot(x1, p2) + dot(p1, x2) + dot(p1, p2);
  expect(dot(plus(x1, p1), plus(x2, p2))).toBeCloseTo(terms, 12);
  const concatenated = dot([...x1, ...p1], [...x2, ...p2]);
  expect(concatenated).toBeCloseTo(dot(x1, x2) + dot(p1, p2), 12);
  // pi(i, j) = p_i . p_j depends on i - j alone for sinusoids: cos of each pair's angle, summed; a table holds it exactly.
  const products = Float64Array.from({ length: 13 }, (_, i) => Math.cos(i - 6) + Math.cos((i - 6) / 100));
  const bias = relativeBias({
    maxDistance: 6,
    numHeads: 1,
    table: (shape) => fromArray(products, shape, { dtype: "float64" }),
  });
  const pi = dataSync(bias.bias(arange(2, 3), arange(5, 6)))[0]!;
  expect(dot(x1, x2) + pi).toBeCloseTo(concatenated, 12);
});

test("relative values add the rows of distances, weighed by probs", () => {
  const position = relativeKeys({ maxDistance: 2, dHead: width, dValue: 3, table: table(1) });
  const probs = [0.2, 0.8, 0.5, 0.5];
  const at = fromArray(places, [2], { dtype: "int32" });
  const y = dataSync(position.mixValues!(fromArray(probs, [1, 1, 2, 2], { dtype: "float64" }), at, at));
  const values = rowsOf(position.values!);
  places.forEach((i, t) => {
    for (let d = 0; d < 3; d++) {
      const expected = places.reduce((sum, j, s) => sum + probs[2 * t + s]! * values[clip(j - i, 2) + 2]![d]!, 0);
      expect(y[3 * t + d]).toBeCloseTo(expected, 12);
    }
  });
});
