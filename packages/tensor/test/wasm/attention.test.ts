import { afterAll, describe, expect, test } from "vitest";
import type { WasmBackend } from "../../src/backends/wasm/backend.ts";
import { builds, kernel, makeBackend, numbers, operand, sameBits, sizeOf, valuesOf } from "./harness.ts";

interface Sizes {
  readonly B: number;
  readonly H: number;
  readonly G: number;
  readonly T: number;
  readonly S: number;
  readonly D: number;
  readonly Dv: number;
  /** whether query t sees key s */
  readonly sees?: (t: number, s: number) => boolean;
  readonly bias?: boolean;
}

interface Result {
  readonly y: Float32Array;
  readonly dq: Float32Array;
  readonly dk: Float32Array;
  readonly dv: Float32Array;
}

const scale = 0.3;

/** Forward and backward kernel on seeded values. */
function run(backend: WasmBackend, { B, H, G, T, S, D, Dv, sees, bias = false }: Sizes): Result {
  const shapes = { q: [B, H, T, D], k: [B, G, S, D], v: [B, G, S, Dv], y: [B, H, T, Dv] };
  const filled = (seed: number, shape: readonly number[]) => operand(backend, shape, numbers(seed, sizeOf(shape)));
  const [q, k, v, g] = [filled(1, shapes.q), filled(2, shapes.k), filled(3, shapes.v), filled(4, shapes.y)];
  const extra = [];
  if (sees)
    extra.push(
      operand(
        backend,
        [1, 1, T, S],
        Uint8Array.from({ length: T * S }, (_, i) => Number(sees(Math.floor(i / S), i % S))),
      ),
    );
  if (bias) extra.push(filled(5, [1, H, T, S]));
  const attributes = { scale, hasMask: sees !== undefined, hasBias: bias };
  const [y, logSumExp] = [operand(backend, shapes.y), operand(backend, [B, H, T])];
  expect(kernel(backend, "scaledDotProductAttention")([q, k, v, ...extra], [y, logSumExp], attributes)).not.toBe(false);
  const gradients = [operand(backend, shapes.q), operand(backend, shapes.k), operand(backend, shapes.v)] as const;
  expect(
    kernel(backend, "scaledDotProductAttentionBackward")(
      [q, k, v, ...extra, y, logSumExp, g],
      [...gradients, ...extra.map(() => undefined)],
      attributes,
    ),
  ).not.toBe(false);
  const [dq, dk, dv] = gradients.map((x) => valuesOf(backend, x)) as [Float32Array, Float32Array, Float32Array];
  const result = { y: valuesOf(backend, y), dq, dk, dv };
  for (const { buffer } of [q, k, v, g, y, logSumExp, ...extra, ...gradients]) backend.free(buffer);
  return result;
}

/** The same in float64, one score at a time. */
function naive({ B, H, G, T, S, D, Dv, sees = () => true, bias = false }: Sizes) {
  const [q, k, v, g, added] = [
    numbers(1, B * H * T * D),
    numbers(2, B * G * S * D),
    numbers(3, B * G * S * Dv),
    numbers(4, B * H * T * Dv),
    numbers(5, H * T * S),
  ];
  const out = {
    y: new Float64Array(g.length),
    dq: new Float64Array(q.length),
    dk: new Float64Array(k.length),
    dv: new Float64Array(v.length),
  };
  const dot = (a: Float32Array, i: number, b: Float32Array, j: number, n: number) =>
    Array.from({ length: n }, (_, d) => a[i + d]! * b[j + d]!).reduce((sum, x) => sum + x, 0);
  for (let row = 0; row < B * H * T; row++) {
    const [t, h, b] = [row % T, Math.floor(row / T) % H, Math.floor(row / T / H)];
    const head = (b * G + Math.floor(h / (H / G))) * S;
    const scores = Array.from({ length: S }, (_, s) =>
      sees(t, s) ? dot(q, row * D, k, (head + s) * D, D) * scale + (bias ? added[(h * T + t) * S + s]! : 0) : -Infinity,
    );
    const largest = Math.max(...scores);
    const powers = scores.map((score) => (largest === -Infinity ? 0 : Math.exp(score - largest)));
    const total = powers.reduce((sum, x) => sum + x, 0) || 1;
    const probs = powers.map((x) => x / total);
    const fromValues = probs.map((_, s) => dot(g, row * Dv, v, (head + s) * Dv, Dv));
    const delta = probs.reduce((sum, p, s) => sum + p * fromValues[s]!, 0);
    probs.forEach((p, s) => {
      for (let d = 0; d < Dv; d++) {
        out.y[row * Dv + d]! += p * v[(head + s) * Dv + d]!;
        out.dv[(head + s) * Dv + d]! += p * g[row * Dv + d]!;
      }
      const change = p * (fromValues[s]! - delta) * scale;
      for (let d = 0; d < D; d++) {
        out.dq[row * D + d]! += change * k[(head + s) * D + d]!;
        out.dk[(head + s) * D + d]! += change * q[row * D + d]!;
      }
    });
  }
  return out;
}

const causal = (from: number) => (t: number, s: number) => s <= t + from;
const cases: Readonly<Record<string, Sizes>> = {
  "causal, whole tiles": { B: 2, H: 2, G: 2, T: 48, S: 48, D: 16, Dv: 16, sees: causal(0) },
  "causal, cut tiles and odd widths": { B: 1, H: 2, G: 1, T: 53, S: 61, D: 13, Dv: 11, sees: causal(8) },
  "a window, first keys hidden": { B: 1, H: 1, G: 1, T: 75, S: 75, D: 8, Dv: 24, sees: (t, s) => s <= t && s > t - 9 },
  "holes and rows that see nothing": {
    B: 1,
    H: 3,
    G: 3,
    T: 31,
    S: 37,
    D: 12,
    Dv: 8,
    sees: (t, s) => (t * 7 + s * 13) % 5 < 2 && t % 4 !== 1,
    bias: true,
  },
  "no mask, bias": { B: 2, H: 4, G: 2, T: 26, S: 40, D: 32, Dv: 32, bias: true },
  "few queries": { B: 2, H: 2, G: 1, T: 3, S: 77, D: 20, Dv: 12, sees: causal(74) },
};

for (const build of builds) {
  const backend = makeBackend({ ...build.options, threads: 1 });
  afterAll(() => backend.close());
  describe(`attention, build ${build.name}`, () => {
    test.each(Object.entries(cases))("%s equals the sums by hand", (_, sizes) => {
      const [got, expected] = [run(backend, sizes), naive(sizes)];
      for (const key of ["y", "dq", "dk", "dv"] as const) {
        expect(got[key].length).toBe(expected[key].length);
        const worst = got[key].reduce(
          (most, x, i) => Math.max(most, Number.isNaN(x) ? Infinity : Math.abs(x - expected[key][i]!)),
          0,
        );
        expect(worst, key).toBeLessThan(2e-5);
      }
    });

    test("gives the same bits with one thread and with three", () => {
      const three = makeBackend({ ...build.options, threads: 3 });
      try {
        const sizes: Sizes = { B: 4, H: 4, G: 2, T: 100, S: 100, D: 32, Dv: 32, sees: causal(0) };
        const [one, other] = [run(backend, sizes), run(three, sizes)];
        for (const key of ["y", "dq", "dk", "dv"] as const) expect(sameBits(one[key], other[key]), key).toBe(true);
      } finally {
        three.close();
      }
    });
  });
}
