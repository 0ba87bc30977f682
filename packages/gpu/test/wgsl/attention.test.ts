import {
  data,
  fromArray,
  keep,
  multiply,
  scaledDotProductAttention,
  sum,
  type Tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGpuBackend, type GpuBackend } from "../../src/index.ts";
import { dawn, skip } from "../dawn.ts";

const numbers = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(seed + 1.7 * i) + 0.1 * ((i * 7) % 5));

interface Sizes {
  readonly B: number;
  readonly H: number;
  readonly G: number;
  readonly T: number;
  readonly S: number;
  readonly D: number;
  readonly E: number;
}

interface Case extends Sizes {
  readonly visible?: (b: number, h: number, t: number, s: number) => boolean;
  readonly bias?: boolean;
}

interface Arrays {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  readonly g: Float32Array;
  readonly bias: Float32Array | undefined;
}

/** The result and the gradients of sum(g * y) by loops, in float64. */
function naive({ B, H, G, T, S, D, E, visible }: Case, { q, k, v, g, bias }: Arrays) {
  const y = new Float64Array(B * H * T * E);
  const [dq, dk, dv] = [q, k, v].map((x) => new Float64Array(x.length)) as [Float64Array, Float64Array, Float64Array];
  const scale = 1 / Math.sqrt(D);
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++)
      for (let t = 0; t < T; t++) {
        const query = (b * H + h) * T + t;
        const keyOf = (s: number): number => (b * G + Math.floor(h / (H / G))) * S + s;
        const scores = Array.from({ length: S }, (_, s) => {
          if (visible && !visible(b, h, t, s)) return Number.NEGATIVE_INFINITY;
          let dot = 0;
          for (let d = 0; d < D; d++) dot += q[query * D + d]! * k[keyOf(s) * D + d]!;
          return dot * scale + (bias ? bias[(h * T + t) * S + s]! : 0);
        });
        const top = Math.max(...scores);
        const powers = scores.map((score) => (score === Number.NEGATIVE_INFINITY ? 0 : Math.exp(score - top)));
        const total = powers.reduce((x, power) => x + power, 0) || 1;
        let along = 0;
        powers.forEach((power, s) => {
          for (let e = 0; e < E; e++) {
            y[query * E + e]! += (power / total) * v[keyOf(s) * E + e]!;
            along += (power / total) * v[keyOf(s) * E + e]! * g[query * E + e]!;
          }
        });
        powers.forEach((power, s) => {
          let inner = 0;
          for (let e = 0; e < E; e++) {
            inner += g[query * E + e]! * v[keyOf(s) * E + e]!;
            dv[keyOf(s) * E + e]! += (power / total) * g[query * E + e]!;
          }
          const weight = (power / total) * (inner - along) * scale;
          for (let d = 0; d < D; d++) {
            dq[query * D + d]! += weight * k[keyOf(s) * D + d]!;
            dk[keyOf(s) * D + d]! += weight * q[query * D + d]!;
          }
        });
      }
  return [y, dq, dk, dv];
}

// As small as can be with more than one tile of 32 each way, and with few kinds of kernels: on a software adapter a tile
// costs some 50 ms, and each combination of kernel, mask, bias and widths divisible by four some 500 ms to compile.
const cases: Record<string, Case> = {
  "several tiles, odd sizes, grouped heads": { B: 1, H: 4, G: 2, T: 33, S: 35, D: 5, E: 8 },
  "causal, with a bias": {
    ...{ B: 1, H: 2, G: 2, T: 34, S: 34, D: 8, E: 4, bias: true },
    visible: (_, _h, t, s) => s <= t,
  },
  "a mask of its own for each batch row and head, queries without keys, a tile hidden": {
    ...{ B: 2, H: 2, G: 1, T: 34, S: 34, D: 12, E: 7 },
    visible: (b, h, t, s) => t !== 3 + b && t !== 33 && (s + t + h) % 3 !== 0 && (s > 31 || t > 31),
  },
  "one query": { B: 2, H: 4, G: 2, T: 1, S: 67, D: 5, E: 8 },
  "a few queries, some keys hidden": {
    ...{ B: 2, H: 4, G: 2, T: 5, S: 40, D: 12, E: 7 },
    visible: (b, _h, t, s) => s < 33 + t + b,
  },
  "wide values": { B: 1, H: 1, G: 1, T: 9, S: 5, D: 36, E: 132 },
};

function leaves({ B, H, G, T, S, D, E, visible, bias }: Case) {
  const arrays: Arrays = {
    q: numbers(B * H * T * D, 1),
    k: numbers(B * G * S * D, 2),
    v: numbers(B * G * S * E, 3),
    g: numbers(B * H * T * E, 4),
    bias: bias ? numbers(H * T * S, 5) : undefined,
  };
  const bits = Uint8Array.from({ length: B * H * T * S }, (_, i) => {
    const [s, t, h] = [i % S, Math.floor(i / S) % T, Math.floor(i / (S * T)) % H];
    return Number(visible?.(Math.floor(i / (S * T * H)), h, t, s) ?? true);
  });
  const tensors = {
    q: fromArray(arrays.q, [B, H, T, D]),
    k: fromArray(arrays.k, [B, G, S, D]),
    v: fromArray(arrays.v, [B, G, S, E]),
    g: fromArray(arrays.g, [B, H, T, E]),
    mask: visible && fromArray(bits, [B, H, T, S], { dtype: "bool" }),
    bias: arrays.bias && fromArray(arrays.bias, [H, T, S]),
  };
  return { arrays, tensors };
}

describe.skipIf(skip)("WGSL attention", () => {
  let gpu: GpuBackend;
  let before: ReturnType<typeof useBackend>;
  beforeAll(async () => {
    gpu = await createGpuBackend({ prefer: "webgpu", gpu: dawn, strict: true });
    before = useBackend(gpu);
  });
  afterAll(() => {
    if (before) useBackend(before);
    gpu?.destroy();
  });

  test.each(Object.entries(cases))("%s: result and gradients", async (_, sizes) => {
    const { arrays, tensors } = leaves(sizes);
    const { q, k, v, g, mask, bias } = tensors;
    gpu.resetReport();
    let y!: Tensor;
    const loss = (): Tensor => {
      y = keep(scaledDotProductAttention(q, k, v, { mask, bias }));
      return sum(multiply(y, g));
    };
    const { gradients } = valueAndGradients(loss, [q, k, v]);
    const ran = gpu.report().filter(({ op }) => op.startsWith("scaledDotProductAttention"));
    expect(ran.map(({ op, kernel, calls }) => `${op} ${kernel} ${calls}`)).toEqual([
      "scaledDotProductAttention webgpu wgsl 1",
      "scaledDotProductAttentionBackward webgpu wgsl 1",
    ]);
    const found = await Promise.all([y, ...gradients].map((x) => data(x)));
    naive(sizes, arrays).forEach((expected, i) => {
      let worst = 0;
      expected.forEach((value, at) => {
        worst = Math.max(worst, Math.abs(value - found[i]![at]!));
      });
      expect(worst).toBeLessThan(2e-5);
    });
  });

  test("the same bits every time", async () => {
    const { q, k, v } = leaves(cases["several tiles, odd sizes, grouped heads"]!).tensors;
    const [first, second] = [scaledDotProductAttention(q, k, v), scaledDotProductAttention(q, k, v)];
    expect(await data(first)).toEqual(await data(second));
  });
});
