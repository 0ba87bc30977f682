import { afterAll, describe, expect, test } from "vitest";
import * as heed from "../../src/index.ts";
import { erfOf } from "../../src/primitives/erf.ts";

/** Numbers at even distances among the float32 bit patterns from `low` to `high`, both signs. */
function grid(low: number, high: number, count: number): Float32Array {
  const bits = new Int32Array(new Float32Array([low, high]).buffer);
  const cell = new Int32Array(count);
  for (let i = 0; i < count; i++) cell[i] = bits[0]! + Math.floor(((bits[1]! - bits[0]!) * i) / (count - 1));
  const positive = new Float32Array(cell.buffer);
  return Float32Array.from({ length: 2 * count }, (_, i) => (i < count ? positive[i]! : -positive[i - count]!));
}

/** The distance between float32 neighbors at x. */
function ulp(x: number): number {
  const size = Math.max(Math.abs(x), 2 ** -126);
  return 2 ** (Math.floor(Math.log2(size)) - 23);
}

/** Largest error in units in the last place of the exact result, each at least `floor`. */
function largestError(
  f: (x: heed.Tensor) => heed.Tensor,
  exact: (x: number) => number,
  xs: Float32Array,
  backend: heed.Backend,
  floor = 0,
): number {
  return heed.scope(() => {
    const ys = heed.dataSync<"float32">(f(heed.fromArray(xs, [xs.length], { backend })));
    let worst = 0;
    for (let i = 0; i < xs.length; i++) {
      const want = exact(xs[i]!);
      const unit = Math.max(ulp(want), floor);
      if (Math.fround(want) === ys[i] || (Number.isNaN(want) && Number.isNaN(ys[i]!))) continue;
      const error = Math.abs(ys[i]! - want) / unit;
      if (!(error <= worst)) worst = error;
    }
    return worst;
  });
}

const specials = new Float32Array([
  0,
  -0,
  1,
  -1,
  2 ** -149,
  -(2 ** -149),
  2 ** -126,
  1e4,
  -1e4,
  3.4e38,
  -3.4e38,
  Infinity,
  -Infinity,
  NaN,
]);

describe.each([
  ["fused multiply-add", true],
  ["multiply, then add", false],
] as const)("%s", (_, relaxed) => {
  const backend = heed.createWasmBackend({ threads: 1, relaxed })!;
  afterAll(() => backend.close());

  const rows: readonly [
    name: string,
    f: (x: heed.Tensor) => heed.Tensor,
    exact: (x: number) => number,
    xs: Float32Array,
    bound: number,
    floor?: number,
  ][] = [
    ["exp", heed.exp, Math.exp, grid(1e-10, 110, 200_000), 1.2],
    ["log", heed.log, Math.log, grid(2 ** -149, 3.4e38, 400_000), 1.2],
    ["log near 1", heed.log, Math.log, grid(0.5, 2, 200_000), 1.2],
    ["tanh", heed.tanh, Math.tanh, grid(1e-30, 100, 200_000), 4.5],
    ["erf", heed.erf, erfOf, grid(1e-30, 10, 50_000), 4.5],
    ["sin", heed.sin, Math.sin, grid(1e-30, 8000, 200_000), 1.6, 2 ** -24],
    ["cos", heed.cos, Math.cos, grid(1e-30, 8000, 200_000), 1.6, 2 ** -24],
    ["sin far", heed.sin, Math.sin, grid(8000, 3.4e38, 20_000), 1],
    ["cos far", heed.cos, Math.cos, grid(8000, 3.4e38, 20_000), 1],
    ["sqrt", heed.sqrt, Math.sqrt, grid(2 ** -149, 3.4e38, 100_000), 0.51],
    ["rsqrt", heed.rsqrt, (x) => 1 / Math.sqrt(x), grid(2 ** -149, 3.4e38, 100_000), 1.5],
    ["reciprocal", heed.reciprocal, (x) => 1 / x, grid(2 ** -120, 2 ** 120, 100_000), 0.51],
  ];
  test.each(rows)("%s is accurate", (_name, f, exact, xs, bound, floor) => {
    expect(largestError(f, exact, xs, backend, floor)).toBeLessThan(bound);
  });

  const limits: readonly [name: string, f: (x: heed.Tensor) => heed.Tensor, exact: (x: number) => number][] = [
    ["exp", heed.exp, Math.exp],
    ["log", heed.log, Math.log],
    ["tanh", heed.tanh, Math.tanh],
    ["erf", heed.erf, erfOf],
    ["sin", heed.sin, Math.sin],
    ["cos", heed.cos, Math.cos],
    ["sqrt", heed.sqrt, Math.sqrt],
    ["rsqrt", heed.rsqrt, (x) => 1 / Math.sqrt(x)],
    ["reciprocal", heed.reciprocal, (x) => 1 / x],
    ["sign", heed.sign, Math.sign],
    ["floor", heed.floor, Math.floor],
    ["abs", heed.abs, Math.abs],
    ["negate", heed.negate, (x) => -x],
  ];
  test.each(limits)("%s at zeros, infinities, NaN and the ends of the range", (_name, f, exact) => {
    // All counts up to a few vectors, so that each position in a vector and each tail is seen.
    for (let count = 1; count <= specials.length; count++) {
      const xs = specials.slice(specials.length - count);
      expect(largestError(f, exact, xs, backend, 2 ** -149)).toBeLessThan(3);
    }
  });
});

test("saturated values are exact", () => {
  const backend = heed.createWasmBackend({ threads: 1 })!;
  const xs = heed.tensor([9.02, 20, 1e4, Infinity, -9.02, -20, -1e4, -Infinity], { backend });
  expect([...heed.dataSync(heed.tanh(xs))]).toEqual([1, 1, 1, 1, -1, -1, -1, -1]);
  expect([...heed.dataSync(heed.erf(xs))]).toEqual([1, 1, 1, 1, -1, -1, -1, -1]);
  backend.close();
});
