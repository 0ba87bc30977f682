import { normalInit } from "@heed/nn";
import { matmul, rng, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import {
  type AttentionFn,
  attention,
  blockSparseAttention,
  createAdditiveScore,
  createDifferentialAttention,
  dotScore,
  linearAttention,
  localWindowAttention,
  softmaxAttention,
  sparsemaxWeighting,
} from "../src/index.ts";
import { attentionCost, countCost, fitExponent } from "../src/testing.ts";

const weight = normalInit({ std: 1, rng: rng(0) });
const sizes = { numHeads: 2, dHead: 16 };
const lengths = [128, 256, 512, 1024, 2048, 4096, 8192];

/** Each attention with the powers of the length that its work and its memory grow with. */
const growth: Record<string, [() => AttentionFn, number, number]> = {
  softmax: [() => softmaxAttention(), 2, 1],
  "softmax, composed": [() => (q, k, v) => softmaxAttention()(q, k, v, { observe: () => {} }), 2, 2],
  sparsemax: [() => attention({ score: dotScore(), weigh: sparsemaxWeighting() }), 2, 2],
  differential: [() => createDifferentialAttention({ dHead: 16, weight }), 2, 1],
  linear: [() => linearAttention(), 1, 1],
  "linear, causal": [() => linearAttention({ causal: true }), 1, 1],
  "local window": [() => localWindowAttention({ windowSize: 64 }), 1, 1],
  "local window, causal": [() => localWindowAttention({ windowSize: 64, causal: true }), 1, 1],
  "block-sparse": [() => blockSparseAttention({ blockSize: 16, blocks: (i, j) => Math.abs(i - j) < 2 }), 1, 1],
};

test.each(Object.entries(growth))("%s grows as it says, over 128 to 8,192 tokens", (_, [fn, work, memory]) => {
  const costs = lengths.map((length) => ({ length, ...attentionCost(fn, length, sizes) }));
  const exponent = (of: "work" | "bytes") =>
    fitExponent(costs.map((cost) => ({ length: cost.length, cost: cost[of] })));
  expect(Math.abs(exponent("work") - work)).toBeLessThan(0.1);
  expect(Math.abs(exponent("bytes") - memory)).toBeLessThan(0.1);
});

test("additive attention grows with the square too, and with its units", () => {
  const of = (dScore: number) => {
    const make = () => attention({ score: createAdditiveScore({ dQuery: 16, dScore, weight }) });
    return attentionCost(make, 512, sizes).bytes;
  };
  expect(of(32) / of(16)).toBeGreaterThan(1.5);
});

test("counts what is known by hand", () => {
  const cost = countCost(() => void matmul(zeros([3, 4]), zeros([4, 5])));
  expect(cost.bytes).toBe(4 * (12 + 20 + 15));
  // the product; making zeros writes no more than its elements
  expect(cost.work).toBeGreaterThanOrEqual(60);
  expect(
    fitExponent([
      { length: 2, cost: 12 },
      { length: 4, cost: 48 },
      { length: 8, cost: 192 },
    ]),
  ).toBeCloseTo(2, 12);
});
