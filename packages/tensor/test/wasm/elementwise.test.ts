import { expect, test } from "vitest";
import * as heed from "../../src/index.ts";
import { erfOf } from "../../src/primitives/erf.ts";
import {
  booleans,
  broadcastValue,
  compute,
  elementwise,
  expectNear,
  expectSameBitsOnThreads,
  floats,
  type Input,
  integers,
} from "./check.ts";
import { makeBackend, sizeOf } from "./harness.ts";

/** Every way to walk: flat, scalars, repeated rows and columns, several axes, odd and empty sizes, many axes. */
const shapes: readonly (readonly [a: readonly number[], b: readonly number[], y: readonly number[]])[] = [
  [[], [], []],
  [[1], [1], [1]],
  [[0], [1], [0]],
  [
    [5, 0],
    [5, 1],
    [5, 0],
  ],
  [[17], [17], [17]],
  [[67], [], [67]],
  [[], [67], [67]],
  [[9, 35], [35], [9, 35]],
  [[35], [9, 35], [9, 35]],
  [
    [9, 35],
    [9, 1],
    [9, 35],
  ],
  [
    [9, 1],
    [1, 35],
    [9, 35],
  ],
  [
    [4, 1, 3, 5],
    [7, 1, 5],
    [4, 7, 3, 5],
  ],
  [
    [2, 1, 3, 1, 2, 1, 3, 1, 2],
    [1, 2, 1, 3, 1, 2, 1, 3, 1],
    [2, 2, 3, 3, 2, 2, 3, 3, 2],
  ],
  [
    [2, 3, 4, 1],
    [2, 1, 4, 6],
    [2, 3, 4, 6],
  ],
];

type Binary = readonly [
  name: string,
  f: (a: heed.Tensor, b: heed.Tensor) => heed.Tensor,
  exact: (a: number, b: number) => number,
];

const arithmetic: readonly Binary[] = [
  ["add", heed.add, (a, b) => a + b],
  ["subtract", heed.subtract, (a, b) => a - b],
  ["multiply", heed.multiply, (a, b) => a * b],
  ["maximum", heed.maximum, Math.max],
  ["minimum", heed.minimum, Math.min],
  ["equal", heed.equal, (a, b) => Number(a === b)],
  ["less", heed.less, (a, b) => Number(a < b)],
  ["lessEqual", heed.lessEqual, (a, b) => Number(a <= b)],
];
const floatOnly: readonly Binary[] = [
  ["divide", heed.divide, (a, b) => a / b],
  ["power", heed.power, (a, b) => a ** b],
];

/** Whole numbers now and then, so that some are equal. */
const mixed = (seed: number, shape: readonly number[]): Input => ({
  shape,
  values: (floats(seed, shape).values as Float32Array).map((x, i) => (i % 3 ? x : Math.round(x))),
});

test.each([...arithmetic, ...floatOnly])("%s of float32, with broadcasting", (_, f, exact) => {
  for (const [a, b, y] of shapes) {
    const inputs = [mixed(1, a), mixed(2, b)];
    expectNear(f as never, inputs, [elementwise(y, inputs, exact).map(Math.fround)], 2e-7);
  }
});

test.each(arithmetic)("%s of int32, with broadcasting", (_, f, exact) => {
  for (const [a, b, y] of shapes) {
    const inputs = [integers(1, a), integers(2, b)];
    expectNear(f as never, inputs, [elementwise(y, inputs, exact)], 0);
  }
});

test("equal of bool, with broadcasting", () => {
  for (const [a, b, y] of shapes) {
    const inputs = [booleans(1, a), booleans(2, b)];
    expectNear(heed.equal, inputs, [elementwise(y, inputs, (p, q) => Number(p === q))], 0);
  }
});

test("select of every type, with three operands broadcast", () => {
  for (const [a, b, y] of shapes) {
    for (const make of [floats, integers, booleans]) {
      const last = y.length > 0 ? [y.at(-1) as number] : [];
      for (const inputs of [
        [booleans(1, a), make(2, b), make(3, y)],
        [booleans(1, y), make(2, a), make(3, b)],
        [booleans(1, last), make(2, y), make(3, [])],
      ]) {
        expectNear(heed.select as never, inputs, [elementwise(y, inputs, (c, p, q) => (c ? p : q))], 0);
      }
    }
  }
});

const special = [
  0,
  -0,
  1,
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e4,
  -1e4,
  0.5,
  3e38,
  1e-45,
];

test.each([...arithmetic, ...floatOnly])("%s at zeros, infinities and NaN", (_, f, exact) => {
  const column: Input = { shape: [special.length, 1], values: Float32Array.from(special) };
  const row: Input = { shape: [special.length], values: Float32Array.from(special) };
  expectNear(
    f as never,
    [column, row],
    [elementwise([special.length, special.length], [column, row], exact).map(Math.fround)],
    2e-7,
  );
});

type Unary = readonly [
  name: string,
  f: (x: heed.Tensor) => heed.Tensor,
  exact: (x: number) => number,
  tolerance: number,
];

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const geluTanh = (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const activations: readonly Unary[] = [
  ["relu", heed.relu, (x) => Math.max(x, 0), 0],
  ["silu", heed.silu, (x) => x * sigmoid(x), 4e-7],
  ["gelu", (x) => heed.gelu(x), (x) => 0.5 * x * (1 + erfOf(x * Math.SQRT1_2)), 1e-6],
  ["gelu, tanh form", (x) => heed.gelu(x, { approximate: "tanh" }), geluTanh, 1e-6],
];

test.each(activations)("%s and its gradient", (_, f, exact, tolerance) => {
  for (const size of [0, 1, 3, 8, 19, 1001]) {
    const x = floats(3, [size], 6);
    const g = floats(4, [size]);
    expectNear(f as never, [x], [Array.from(x.values, exact)], tolerance);
    const slopes = Array.from(
      x.values,
      (at, i) => ((exact(at + 1e-5) - exact(at - 1e-5)) / 2e-5) * (g.values[i] as number),
    );
    const gradient = (p: heed.Tensor, q: heed.Tensor) =>
      heed.valueAndGradients(() => heed.sum(heed.multiply(f(p), q)), [p]).gradients;
    expectNear(gradient as never, [x, g], [slopes], 5e-6);
  }
});

test.each(activations)("%s far out: exact limits, no overflow", (_, f, exact) => {
  const xs = [1e4, -1e4, 100, -100, 1e19, -1e19, Number.POSITIVE_INFINITY, Number.NaN, 0];
  expectNear(
    f as never,
    [{ shape: [xs.length], values: Float32Array.from(xs) }],
    [xs.map((x) => (x > 50 ? Math.fround(x) : x < -50 ? 0 : exact(x)))],
    1e-30,
  );
});

test("int32 has negate, abs and sign", () => {
  const x = integers(5, [37]);
  const xs = [...x.values];
  expectNear(heed.negate, [x], [xs.map((v) => 0 - v)], 0);
  expectNear(heed.abs, [x], [xs.map(Math.abs)], 0);
  expectNear(heed.sign, [x], [xs.map((v) => Math.sign(v) + 0)], 0);
});

test("casts between all types", () => {
  const values = Float32Array.from([
    0,
    -0,
    0.9,
    -0.9,
    2.5,
    -7.9,
    3e9,
    -3e9,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e-45,
    5,
    6,
    7,
    8,
    9,
    10,
  ]);
  const x: Input = { shape: [values.length], values };
  const whole = Array.from(values, (v) =>
    Number.isNaN(v) ? 0 : Math.trunc(Math.min(Math.max(v, -(2 ** 31)), 2 ** 31 - 1)) + 0,
  );
  expectNear((t: heed.Tensor) => heed.cast(t, "int32"), [x], [whole], 0);
  expectNear((t: heed.Tensor) => heed.cast(t, "bool"), [x], [Array.from(values, (v) => Number(v !== 0))], 0);
  for (const size of [0, 1, 4, 7, 21]) {
    for (const make of [integers, booleans]) {
      const from = make(6, [size]);
      expectNear((t: heed.Tensor) => heed.cast(t, "float32"), [from], [[...from.values]], 0);
      expectNear(
        (t: heed.Tensor) => heed.cast(t, "bool"),
        [from],
        [Array.from(from.values, (v) => Number(v !== 0))],
        0,
      );
      expectNear((t: heed.Tensor) => heed.cast(t, "int32"), [from], [[...from.values]], 0);
    }
  }
});

test("more axes than the kernel's table holds run on the reference kernel", () => {
  const backend = makeBackend({ threads: 1 });
  // Axes that alternate between the operands cannot be joined: ten of them.
  const a = Array.from({ length: 10 }, (_, i) => (i % 2 ? 1 : 2));
  const b = Array.from({ length: 10 }, (_, i) => (i % 2 ? 2 : 1));
  const y = heed.add(heed.ones(a, { backend }), heed.ones(b, { backend }));
  expect(backend.report().find(({ op }) => op === "add")?.kernel).toBe("reference");
  expect([...heed.dataSync(y)].every((v) => v === 2)).toBe(true);
  backend.close();
});

test("the same bits on one, two and three threads", () => {
  const big = [3, 70_001];
  expectSameBitsOnThreads(
    (x, g) => [heed.add(x, g), heed.gelu(x), heed.less(x, g), heed.select(heed.less(x, g), x, g)],
    floats(1, big),
    floats(2, big),
  );
  const { shape } = floats(1, [70_001]);
  expectSameBitsOnThreads((x, g) => heed.multiply(x, g), floats(1, big), floats(2, shape));
});

test("an offset row of a large broadcast is right in every chunk", () => {
  const backend = makeBackend({ threads: 2 });
  const [x, row] = [floats(1, [33, 1009]), floats(2, [1009])];
  const [y] = compute(backend, (a, b) => heed.multiply(a, b), x, row);
  const expected = Array.from({ length: sizeOf(x.shape) }, (_, i) =>
    Math.fround(broadcastValue(x, x.shape, i) * broadcastValue(row, x.shape, i)),
  );
  expect([...(y as Float32Array)]).toEqual(expected);
  backend.close();
});
