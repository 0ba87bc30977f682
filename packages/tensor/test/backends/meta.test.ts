import { expect, test } from "vitest";
import {
  add,
  broadcast,
  countBuffers,
  createMetaBackend,
  data,
  linear,
  matmul,
  normal,
  rng,
  scope,
  softmax,
  split,
  sum,
  valueAndGradients,
  withBackend,
  zeros,
} from "../../src/index.ts";

test("gives shapes of any size without memory", () => {
  withBackend(createMetaBackend(), () => {
    const x = broadcast(zeros([1, 1]), [1_000_000, 1_000_000]);
    expect(x.size).toBe(1e12);
    expect(matmul(x, x, { transposeB: true }).shape).toEqual([1_000_000, 1_000_000]);
    expect(normal([100_000, 100_000], { rng: rng(0), std: 2 }).shape).toEqual([100_000, 100_000]);
    expect(split(x, [250_000, 750_000]).map(({ shape }) => shape[0])).toEqual([250_000, 750_000]);
  });
});

test("runs gradients for their shapes, and frees as any backend", () => {
  const backend = createMetaBackend();
  withBackend(backend, () => {
    const weight = normal([50_000, 10_000], { rng: rng(0) });
    const x = zeros([2, 10_000]);
    const before = countBuffers(backend).buffers;
    scope(() => {
      const { value, gradients } = valueAndGradients(() => sum(softmax(linear(x, weight))), [weight]);
      expect([value.shape, gradients[0].shape]).toEqual([[], [50_000, 10_000]]);
    });
    expect(countBuffers(backend).buffers).toBe(before);
  });
  expect(backend.report().some(({ op }) => op === "linear")).toBe(true);
});

test("checks shapes, and has no values", async () => {
  const backend = createMetaBackend();
  const x = zeros([2, 3], { backend });
  expect(() => add(x, zeros([4], { backend }))).toThrow("expected 3 or 1");
  await expect(data(x)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[UnsupportedOpError: data: backend meta has no values, expected a backend that computes. Use it for shapes only]`,
  );
});
