import { type Gpt2Config, gpt2, gpt2Presets } from "@heed/models";
import { add, matmul, scaledDotProductAttention, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import { countFlops } from "../src/index.ts";

test("a product of [M, K] and [K, N] takes 2 M K N", () => {
  expect(countFlops(() => matmul(zeros([2, 3]), zeros([3, 4])))).toEqual({ total: 48, byOperation: { matmul: 48 } });
  expect(countFlops(() => matmul(zeros([5, 3, 2]), zeros([4, 3]), { transposeA: true, transposeB: true })).total).toBe(
    5 * 2 * 2 * 3 * 4,
  );
  expect(countFlops(() => add(zeros([9]), zeros([9]))).total).toBe(0);
});

test("attention counts every pair of a query and a key, twice", () => {
  const [B, H, T, S, D] = [2, 3, 4, 5, 6];
  const { total } = countFlops(() =>
    scaledDotProductAttention(zeros([B, H, T, D]), zeros([B, H, S, D]), zeros([B, H, S, D])),
  );
  expect(total).toBe(2 * (2 * B * H * T * S * D));
});

/** Kaplan et al. 2020, table 1, without the embedding: per token 2 N + 2 n_layer n_ctx d_attn, doubled for the mix, and the head. */
const byHand = ({ numLayers, dModel, maxSeqLen, vocabSize }: Gpt2Config): number =>
  2 * (12 * numLayers * dModel ** 2) + 4 * numLayers * maxSeqLen * dModel + 2 * dModel * vocabSize;

test.each(["gpt2", "gpt2-xl", "nanogpt-cpu"] as const)("%s: the closed form of a GPT", (name) => {
  const config: Gpt2Config = gpt2Presets[name];
  const T = config.maxSeqLen;
  const before = process.memoryUsage().arrayBuffers;
  const { total, byOperation } = countFlops(() => gpt2(config, null).forward(zeros([1, T], { dtype: "int32" })));
  expect(total / T).toBe(byHand(config));
  expect(Object.values(byOperation).reduce((sum, flops) => sum + flops, 0)).toBe(total);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
});

test("the numbers of a count are not those of the one before", () => {
  const count = () => countFlops(() => matmul(zeros([2, 2]), zeros([2, 2]))).total;
  expect([count(), count()]).toEqual([16, 16]);
});
