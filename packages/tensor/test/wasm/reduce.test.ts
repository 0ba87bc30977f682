import { expect, test } from "vitest";
import * as heed from "../../src/index.ts";
import { compute, expectNear, expectSameBitsOnThreads, floats, type Input, integers, largestError } from "./check.ts";
import { makeBackend, sizeOf } from "./harness.ts";

/** Groups of elements that share a position off `axes`, in row-major order of both. */
function groups({ shape, values }: Input, axes: readonly number[]): number[][] {
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const found = Array.from({ length: sizeOf(kept) }, () => [] as number[]);
  values.forEach((value, i) => {
    let rest = i;
    let at = 0;
    let stride = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const position = rest % (shape[axis] as number);
      rest = Math.floor(rest / (shape[axis] as number));
      at += axes.includes(axis) ? 0 : position * stride;
      stride *= kept[axis] as number;
    }
    (found[at] as number[]).push(value);
  });
  return found;
}

const cases: readonly (readonly [shape: readonly number[], axes: readonly number[]])[] = [
  [[], []],
  [[1], [0]],
  [[5], []],
  [[3], [0]],
  [[19], [0]],
  [[0], [0]],
  [[0, 3], [0]],
  [[3, 0], [1]],
  [[3, 0], [0]],
  [[7, 21], [1]],
  [[7, 21], [0]],
  [
    [7, 21],
    [0, 1],
  ],
  [[35, 1], [0]],
  [[1, 35], [0]],
  [[3, 5, 7], [1]],
  [
    [3, 5, 7],
    [0, 2],
  ],
  [
    [3, 5, 7],
    [0, 1],
  ],
  [
    [2, 3, 4, 5],
    [1, 3],
  ],
  [
    [2, 3, 4, 5],
    [0, 2],
  ],
  [
    [2, 3, 2, 3, 2],
    [0, 2, 4],
  ],
  // several segments of a row, several blocks of rows, more than one block of columns
  [[20_001], [0]],
  [[2, 17_000], [1]],
  [[9000, 3], [0]],
  [[200, 1500], [0]],
  [[2, 2000, 9], [1]],
];

const total = (group: readonly number[]): number => group.reduce((sum, value) => sum + value, 0);

test.each(cases)("sum, max and min of %j over %j", (shape, axes) => {
  for (const x of [floats(1, shape), integers(2, shape)]) {
    const found = groups(x, axes);
    const integer = x.values instanceof Int32Array;
    const [low, high] = integer ? [-(2 ** 31), 2 ** 31 - 1] : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    // Errors of a sum are small beside the sum of magnitudes.
    const scale = Math.max(1, ...found.map((group) => total(group.map(Math.abs))));
    expectNear((t: heed.Tensor) => heed.sum(t, { axes }), [x], [found.map(total)], integer ? 0 : 1e-6 * scale);
    expectNear(
      (t: heed.Tensor) => heed.max(t, { axes }),
      [x],
      [found.map((group) => group.reduce((a, b) => Math.max(a, b), low))],
      0,
    );
    expectNear(
      (t: heed.Tensor) => heed.min(t, { axes }),
      [x],
      [found.map((group) => group.reduce((a, b) => Math.min(a, b), high))],
      0,
    );
  }
});

test("long sums keep their precision: a million tenths", () => {
  const backend = makeBackend({ threads: 1 });
  const values = new Float32Array(1_000_000).fill(0.1);
  const exact = 1_000_000 * Math.fround(0.1);
  for (const [shape, axes] of [
    [[1_000_000], [0]],
    [
      [250_000, 4],
      [0, 1],
    ],
    [[1000, 1000], [0]],
  ] as const) {
    const [sums] = compute(backend, (x) => heed.sum(x, { axes }), { shape, values });
    const expected = exact / (sums as Float32Array).length;
    expect(largestError([(sums as Float32Array)[0] as number], [expected])).toBeLessThan(2e-6);
  }
  backend.close();
});

test.each([0, 1, 2, 5, 14, 20])("NaN at position %i reaches every extremum, infinities too", (at) => {
  const values = floats(3, [2, 21]).values as Float32Array;
  values[at] = Number.NaN;
  values[21 + at] = Number.POSITIVE_INFINITY;
  const x: Input = { shape: [2, 21], values };
  const second = [...values.slice(21)];
  expectNear((t: heed.Tensor) => heed.max(t, { axes: 1 }), [x], [[Number.NaN, Number.POSITIVE_INFINITY]], 0);
  expectNear((t: heed.Tensor) => heed.min(t, { axes: 1 }), [x], [[Number.NaN, Math.min(...second)]], 0);
  expectNear((t: heed.Tensor) => heed.argmax(t, { axis: 1 }), [x], [[at, at]], 0);
  expectNear((t: heed.Tensor) => heed.sum(t, { axes: 1 }), [x], [[Number.NaN, Number.POSITIVE_INFINITY]], 0);
});

test("argmax along any axis: the first of equals", () => {
  for (const shape of [[1], [4], [9], [33], [5, 17], [3, 4, 5], [2, 1, 6]]) {
    for (let axis = 0; axis < shape.length; axis++) {
      for (const x of [integers(4, shape, 2), { shape, values: Float32Array.from(integers(5, shape, 2).values) }]) {
        const expected = groups(x, [axis]).map((group) => group.indexOf(Math.max(...group)));
        expectNear((t: heed.Tensor) => heed.argmax(t, { axis }), [x], [expected], 0);
      }
    }
  }
  const nothing: Input = { shape: [9], values: new Float32Array(9).fill(Number.NEGATIVE_INFINITY) };
  expectNear((t: heed.Tensor) => heed.argmax(t), [nothing], [[0]], 0);
});

test("running sums along any axis, forwards and backwards, with and without the element", () => {
  for (const shape of [[0], [1], [7], [4, 9], [3, 0, 2], [3, 4, 5]]) {
    for (let axis = 0; axis < shape.length; axis++) {
      for (const reverse of [false, true]) {
        for (const exclusive of [false, true]) {
          for (const x of [floats(6, shape), integers(7, shape)]) {
            const expected = naiveRunningSum(x, axis, reverse, exclusive);
            expectNear((t: heed.Tensor) => heed.cumulativeSum(t, { axis, reverse, exclusive }), [x], [expected], 0);
          }
        }
      }
    }
  }
});

function naiveRunningSum({ shape, values }: Input, axis: number, reverse: boolean, exclusive: boolean): number[] {
  const stride = sizeOf(shape.slice(axis + 1));
  const size = shape[axis] as number;
  return Array.from(values, (_, i) => {
    const position = Math.floor(i / stride) % size;
    let sum = 0;
    const order = Array.from({ length: size }, (_, j) => (reverse ? size - 1 - j : j));
    for (const other of order) {
      if (other === position && exclusive) break;
      sum += values[i + (other - position) * stride] as number;
      if (other === position) break;
    }
    return Math.fround(sum);
  });
}

test("the same bits on one, two and three threads", () => {
  const reductions = (x: heed.Tensor) => [
    heed.sum(x),
    heed.sum(x, { axes: 0 }),
    heed.sum(x, { axes: -1 }),
    heed.max(x, { axes: 0 }),
    heed.argmax(x),
    heed.cumulativeSum(x, { axis: 0 }),
  ];
  expectSameBitsOnThreads(reductions, floats(8, [301, 1009]));
  expectSameBitsOnThreads(reductions, floats(9, [100_003, 3]));
});
