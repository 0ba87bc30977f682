import {
  countBuffers,
  crossEntropy,
  data,
  fromArray,
  globalNorm,
  greater,
  layerNorm,
  logSoftmax,
  multiply,
  rmsNorm,
  scaledDotProductAttention,
  softmax,
  sum,
  type Tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGpuBackend, type GpuBackend } from "../../src/index.ts";

let gpu: GpuBackend;
let before: ReturnType<typeof useBackend>;
beforeAll(async () => {
  gpu = await createGpuBackend({ prefer: "cpu", strict: true });
  before = useBackend(gpu);
});
afterAll(() => void (before && useBackend(before)));

/** Numbers between -2 and 2 without a pattern that a wrong index could keep. */
const wave = (length: number, seed = 1): number[] =>
  Array.from({ length }, (_, i) => 2 * Math.sin(seed * 12.9898 * (i + 1) + i * i * 0.37));

const farthest = (found: ArrayLike<number>, expected: readonly number[]): number => {
  expect(found.length).toBe(expected.length);
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(found[i]! - value)), 0);
};

const softmaxOf = (row: readonly number[]): number[] => {
  const top = Math.max(...row);
  const powers = row.map((x) => Math.exp(x - top));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
};

const rowsIn = (values: readonly number[], width: number): number[][] =>
  Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width));

/** The operations that the report lists, with a kernel of their own. */
const kernelsOf = (run: () => unknown): string[] => {
  gpu.resetReport();
  run();
  return gpu.report().map(({ op }) => op);
};

describe("rows longer than one thread's block", () => {
  const width = 700;
  const values = wave(3 * width);

  test("softmax and its logarithm", async () => {
    const x = fromArray(values, [3, width]);
    const expected = rowsIn(values, width).flatMap(softmaxOf);
    expect(farthest(await data(softmax(x)), expected)).toBeLessThan(1e-8);
    expect(farthest(await data(logSoftmax(x)), expected.map(Math.log))).toBeLessThan(2e-6);
  });

  test("a block of nothing but -Infinity counts for nothing, a row of it is NaN", async () => {
    const masked = values.map((value, i) => (i % width < 300 || i >= 2 * width ? Number.NEGATIVE_INFINITY : value));
    const found = await data(softmax(fromArray(masked, [3, width])));
    const expected = rowsIn(masked.slice(0, 2 * width), width).flatMap(softmaxOf);
    expect(farthest(found.slice(0, 2 * width), expected)).toBeLessThan(1e-8);
    expect([...found.slice(2 * width)].every(Number.isNaN)).toBe(true);
  });

  test("the gradient of softmax", async () => {
    const weights = wave(3 * width, 5);
    const x = fromArray(values, [3, width]);
    const factor = fromArray(weights, [3, width]);
    const { gradients } = valueAndGradients(() => sum(multiply(softmax(x), factor)), [x]);
    const expected = rowsIn(values, width).flatMap((row, r) => {
      const probs = softmaxOf(row);
      const g = weights.slice(r * width, (r + 1) * width);
      const mean = probs.reduce((total, p, i) => total + p * g[i]!, 0);
      return probs.map((p, i) => p * (g[i]! - mean));
    });
    expect(farthest(await data(gradients[0]!), expected)).toBeLessThan(1e-8);
  });

  test("cross-entropy and its gradient, with an ignored target and label smoothing", async () => {
    const targets = [650, -100, 3];
    const x = fromArray(values, [3, width]);
    const run = () =>
      crossEntropy(x, fromArray(Int32Array.from(targets), [3]), { labelSmoothing: 0.1, reduction: "sum" });
    const { value, gradients } = valueAndGradients(run, [x]);
    let loss = 0;
    const expected = rowsIn(values, width).flatMap((row, r) => {
      const probs = softmaxOf(row);
      const wanted = row.map((_, i) => 0.1 / width + (i === targets[r] ? 0.9 : 0));
      if (targets[r]! < 0) return row.map(() => 0);
      loss -= wanted.reduce((total, share, i) => total + share * Math.log(probs[i]!), 0);
      return probs.map((p, i) => p - wanted[i]!);
    });
    expect(Math.abs((await data(value))[0]! - loss)).toBeLessThan(1e-5);
    expect(farthest(await data(gradients[0]!), expected)).toBeLessThan(1e-7);
  });
});

describe("norms", () => {
  test("gradients of gain and bias add up over many blocks of rows", async () => {
    const [rows, width] = [150, 5];
    const values = wave(rows * width);
    const weights = wave(rows * width, 3);
    const [x, factor] = [fromArray(values, [rows, width]), fromArray(weights, [rows, width])];
    const [gain, bias] = [fromArray(wave(width, 7), [width]), fromArray(wave(width, 8), [width])];
    const run = () => sum(multiply(layerNorm(x, { gain, bias, epsilon: 1e-5 }), factor));
    const { gradients } = valueAndGradients(run, [gain, bias]);
    const [dgain, dbias] = [new Array<number>(width).fill(0), new Array<number>(width).fill(0)];
    rowsIn(values, width).forEach((row, r) => {
      const mean = row.reduce((a, b) => a + b) / width;
      const variance = row.reduce((total, v) => total + (v - mean) ** 2, 0) / width;
      row.forEach((v, i) => {
        dgain[i]! += (weights[r * width + i]! * (v - mean)) / Math.sqrt(variance + 1e-5);
        dbias[i]! += weights[r * width + i]!;
      });
    });
    expect(farthest(await data(gradients[0]!), dgain)).toBeLessThan(1e-4);
    expect(farthest(await data(gradients[1]!), dbias)).toBeLessThan(1e-4);
  });

  test("rows over 4,096 elements run as compositions, with the same result", async () => {
    const width = 4097;
    const values = wave(width);
    const gain = fromArray(new Float32Array(width).fill(2), [width]);
    let y: Tensor | undefined;
    const ops = kernelsOf(() => {
      y = rmsNorm(fromArray(values, [1, width]), { gain });
    });
    expect(ops).not.toContain("rmsNorm");
    const scale = 2 / Math.sqrt(values.reduce((total, v) => total + v * v, 0) / width + 1e-5);
    expect(
      farthest(
        await data(y!),
        values.map((v) => v * scale),
      ),
    ).toBeLessThan(1e-5);
  });
});

test("the norm of many tensors, a large one and an empty one among them", async () => {
  const lists = Array.from({ length: 40 }, (_, i) => wave(i === 7 ? 70_000 : i === 9 ? 0 : i + 1, i + 1));
  const found = await data(globalNorm(lists.map((list) => fromArray(list, [list.length]))));
  const expected = Math.sqrt(lists.flat().reduce((total, v) => total + v * v, 0));
  expect(Math.abs(found[0]! - expected) / expected).toBeLessThan(1e-6);
});

test("the report names fused kernels, forward and backward", () => {
  const x = fromArray(wave(12), [3, 4]);
  const gain = fromArray(wave(4), [4]);
  const targets = fromArray(Int32Array.of(1, 2, 3), [3]);
  const ops = kernelsOf(() => valueAndGradients(() => crossEntropy(rmsNorm(x, { gain }), targets), [x, gain]));
  expect(ops).toEqual(
    expect.arrayContaining(["rmsNorm", "rmsNormBackward", "softmaxCrossEntropy", "softmaxCrossEntropyBackward"]),
  );
  expect(gpu.report().every(({ kernel }) => kernel === gpu.name)).toBe(true);
});

test("attention runs as matrix products and row statistics, forward and backward, its heads in groups", () => {
  const [q, k, v] = [
    fromArray(wave(96), [1, 4, 6, 4]),
    fromArray(wave(40), [1, 2, 5, 4]),
    fromArray(wave(30), [1, 2, 5, 3]),
  ];
  const mask = greater(fromArray(wave(30), [1, 1, 6, 5]), -1);
  const run = () => sum(scaledDotProductAttention(q, k, v, { mask }));
  const ops = kernelsOf(() => valueAndGradients(run, [q, k, v]));
  expect(ops.filter((op) => op.startsWith("scaled"))).toEqual([
    "scaledDotProductAttention",
    "scaledDotProductAttentionBackward",
  ]);
  expect(ops).not.toContain("matmul");
});

test("statistics and saved values are freed", () => {
  const x = fromArray(wave(3 * 700), [3, 700]);
  const live = countBuffers(gpu);
  for (let i = 0; i < 3; i++) {
    const { value, gradients } = valueAndGradients(() => sum(softmax(layerNorm(x))), [x]);
    value.dispose();
    gradients[0]!.dispose();
  }
  expect(countBuffers(gpu)).toEqual(live);
});
