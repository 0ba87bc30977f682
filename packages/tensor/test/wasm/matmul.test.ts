import { naiveMatmul } from "@heed/test-tools";
import { afterAll, describe, expect, test } from "vitest";
import type { WasmBackend } from "../../src/backends/wasm/backend.ts";
import { builds, kernel, makeBackend, numbers, operand, sameBits, sizeOf, valuesOf } from "./harness.ts";

interface Product {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly batchA?: readonly number[];
  readonly batchB?: readonly number[];
  readonly batch?: readonly number[];
}

/** [columns, rows] to [rows, columns]. */
const transposed = (x: Float32Array, rows: number, columns: number): Float32Array =>
  Float32Array.from(x, (_, i) => x[(i % columns) * rows + Math.floor(i / columns)] as number);

function run(
  backend: WasmBackend,
  { M, N, K, transposeA = false, transposeB = false, batchA = [], batchB = [], batch = [] }: Product,
): { values: Float32Array; a: Float32Array; b: Float32Array } {
  const a = numbers(1, sizeOf(batchA) * M * K);
  const b = numbers(2, sizeOf(batchB) * K * N);
  const x = operand(backend, [...batchA, ...(transposeA ? [K, M] : [M, K])], a);
  const w = operand(backend, [...batchB, ...(transposeB ? [N, K] : [K, N])], b);
  const y = operand(backend, [...batch, M, N]);
  expect(kernel(backend, "matmul")([x, w], [y], { transposeA, transposeB })).not.toBe(false);
  const values = valuesOf(backend, y);
  for (const { buffer } of [x, w, y]) backend.free(buffer);
  return { values, a, b };
}

function expectClose(actual: Float32Array, expected: Float64Array, K: number): void {
  let worst = 0;
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) {
    const error = Math.abs((actual[i] as number) - (expected[i] as number));
    if (!(error <= worst)) worst = error;
  }
  expect(worst).toBeLessThanOrEqual(1e-5 * Math.sqrt(Math.max(K, 1)));
}

function expectedOf({ M, N, K, transposeA, transposeB }: Product, a: Float32Array, b: Float32Array): Float64Array {
  return naiveMatmul(transposeA ? transposed(a, M, K) : a, transposeB ? transposed(b, K, N) : b, M, K, N);
}

/** Every path: few rows, one column, whole and cut tiles, several stretches of k, several blocks, nothing at all. */
const sizes: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [1, 7, 5],
  [2, 9, 33],
  [3, 130, 40],
  [5, 4, 1],
  [8, 21, 100],
  [9, 8, 4],
  [7, 1, 50],
  [40, 1, 19],
  [12, 16, 0],
  [0, 5, 3],
  [6, 8, 16],
  [13, 17, 19],
  [16, 24, 7],
  [31, 65, 129],
  [48, 64, 390],
  [67, 100, 513],
  [130, 35, 800],
  [97, 200, 300],
];
const transposes = [false, true].flatMap((transposeA) =>
  [false, true].map((transposeB) => ({ transposeA, transposeB })),
);

describe.each(builds)("matmul, $name build", ({ options }) => {
  const threads = [1, 2, 3, 4].map((count) => makeBackend({ ...options, threads: count }));
  const unshared = makeBackend({ ...options, shared: false });
  const first = threads[0] as WasmBackend;
  afterAll(() => {
    for (const backend of [...threads, unshared]) {
      expect(backend.runtime.allocator.count).toBe(0);
      backend.close();
    }
  });

  test.each(transposes)("equals the naive product, transposeA=$transposeA transposeB=$transposeB", (flags) => {
    for (const [M, N, K] of sizes) {
      const product = { M, N, K, ...flags };
      const { values, a, b } = run(first, product);
      expectClose(values, expectedOf(product, a, b), K);
    }
  });

  test.each(transposes)(
    "gives the same bits on 1 to 4 threads and without shared memory, transposeA=$transposeA transposeB=$transposeB",
    (flags) => {
      for (const [M, N, K] of [...sizes, [260, 300, 410] as const, [1, 3000, 300] as const]) {
        const bits = run(first, { M, N, K, ...flags }).values;
        for (const backend of [...threads.slice(1), unshared])
          expect(sameBits(run(backend, { M, N, K, ...flags }).values, bits)).toBe(true);
      }
    },
  );

  test("repeats a matrix along broadcast batch axes", () => {
    const [M, N, K] = [5, 6, 7];
    const { values, a, b } = run(first, { M, N, K, batch: [2, 3], batchA: [2, 1], batchB: [3] });
    const expected = [0, 1].flatMap((i) =>
      [0, 1, 2].flatMap((j) => [
        ...naiveMatmul(a.subarray(i * M * K, (i + 1) * M * K), b.subarray(j * K * N, (j + 1) * K * N), M, K, N),
      ]),
    );
    expectClose(values, Float64Array.from(expected), K);
  });

  test.each(transposes)(
    "multiplies batches of small matrices, transposeA=$transposeA transposeB=$transposeB",
    (flags) => {
      const [M, N, K, count] = [19, 23, 17, 50];
      const product = { M, N, K, ...flags, batch: [count], batchA: [count], batchB: [count] };
      const { values, a, b } = run(first, product);
      for (let i = 0; i < count; i++) {
        expectClose(
          values.subarray(i * M * N, (i + 1) * M * N),
          expectedOf(product, a.subarray(i * M * K, (i + 1) * M * K), b.subarray(i * K * N, (i + 1) * K * N)),
          K,
        );
      }
      for (const backend of threads) expect(sameBits(run(backend, product).values, values)).toBe(true);
    },
  );

  test("keeps NaN and infinity where they belong", () => {
    const [M, N, K] = [14, 20, 9];
    const a = numbers(3, M * K).fill(1);
    a[4 * K] = Number.NaN;
    a[5 * K] = Number.POSITIVE_INFINITY;
    const [x, w, y] = [
      operand(first, [M, K], a),
      operand(first, [K, N], numbers(4, K * N).fill(1)),
      operand(first, [M, N]),
    ];
    kernel(first, "matmul")([x, w], [y], {});
    const rows = valuesOf(first, y);
    for (let m = 0; m < M; m++) {
      const expected = m === 4 ? Number.NaN : m === 5 ? Number.POSITIVE_INFINITY : K;
      expect(rows.subarray(m * N, (m + 1) * N)).toEqual(new Float32Array(N).fill(expected));
    }
    for (const { buffer } of [x, w, y]) first.free(buffer);
  });
});

/** Abramowitz and Stegun 7.1.5, the series: enough terms for |x| < 4, and 1 beyond. */
function erf(x: number): number {
  if (Math.abs(x) >= 4) return Math.sign(x);
  let term = x;
  let total = x;
  for (let n = 1; n < 80; n++) {
    term *= -(x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

const activations: Readonly<Record<string, (x: number) => number>> = {
  relu: (x) => Math.max(0, x),
  gelu: (x) => (x * (1 + erf(x / Math.SQRT2))) / 2,
  geluTanh: (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
  silu: (x) => x / (1 + Math.exp(-x)),
};

describe("linear", () => {
  const backend = makeBackend({ threads: 2 });
  afterAll(() => backend.close());

  test.each([
    [1, 33, 20],
    [5, 7, 64],
    [50, 40, 30],
    [100, 130, 500],
  ])("x [%i, K] times weight transposed plus bias, N %i, K %i", (M, N, K) => {
    const [xs, ws, bs] = [numbers(5, M * K), numbers(6, N * K), numbers(7, N)];
    const [x, w, b, y, before] = [
      operand(backend, [M, K], xs),
      operand(backend, [N, K], ws),
      operand(backend, [N], bs),
      operand(backend, [M, N]),
      operand(backend, [M, N]),
    ];
    const expected = naiveMatmul(xs, transposed(ws, K, N), M, K, N).map((value, i) => value + (bs[i % N] as number));
    kernel(backend, "linear")([x, w, b], [y], { activation: "none" });
    expectClose(valuesOf(backend, y), expected, K);
    for (const [activation, f] of Object.entries(activations)) {
      kernel(backend, "linear")([x, w, b], [y, before], { activation });
      expectClose(valuesOf(backend, before), expected, K);
      expectClose(valuesOf(backend, y), Float64Array.from(valuesOf(backend, before), f), 1);
    }
    kernel(backend, "linear")([x, w], [y], { activation: "none" });
    expectClose(
      valuesOf(backend, y),
      expected.map((value, i) => value - (bs[i % N] as number)),
      K,
    );
    for (const { buffer } of [x, w, b, y, before]) backend.free(buffer);
  });
});

test("128-bit and 256-bit vectors give the same bits", () => {
  const [narrow, wide] = builds
    .filter(({ name }) => name !== "simd")
    .map(({ options }) => makeBackend({ ...options, threads: 1 }));
  if (!narrow || !wide) {
    console.log("skipped: this engine has no relaxed SIMD, so there is one width only");
    return;
  }
  for (const [M, N, K] of sizes) {
    for (const flags of transposes)
      expect(sameBits(run(wide, { M, N, K, ...flags }).values, run(narrow, { M, N, K, ...flags }).values)).toBe(true);
  }
});
