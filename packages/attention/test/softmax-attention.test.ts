import {
  arange,
  dataSync,
  dispose,
  fromArray,
  referenceBackend,
  rng,
  type Tensor,
  tensor,
  useBackend,
  zeros,
} from "@heed/tensor";
import { expect, test } from "vitest";
import { type AttentionView, causal, softmaxAttention } from "../src/index.ts";
import { type AttentionTraits, attentionContract, type HeadInput } from "../src/testing.ts";

useBackend(referenceBackend());

/** Softmax of scaled dot products in plain loops. */
const oracle =
  (scale: number) =>
  ({ q, k, v, visible }: HeadInput): number[][] =>
    q.map((query, t) => {
      const weights = k.map((key, s) =>
        visible[t]![s] ? Math.exp(scale * query.reduce((dot, x, d) => dot + x * key[d]!, 0)) : 0,
      );
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return v[0]!.map((_, d) => v.reduce((mix, value, s) => mix + (weights[s]! / total) * value[d]!, 0));
    });

/** Scale 0 makes every visible key count the same: the mean of the values. */
function uniformLimit(): void {
  const v = tensor([[[[2], [4], [9]]]]);
  const [mean] = dataSync(
    softmaxAttention({ scale: 0 })(zeros([1, 1, 1, 2]), fromArray([1, 2, 3, 4, 5, 6], [1, 1, 3, 2]), v),
  );
  expect(mean).toBeCloseTo(5, 6);
}

const traits: AttentionTraits = { oracle: oracle(0.5), limit: uniformLimit };

for (const { name, run } of attentionContract(() => softmaxAttention(), traits)) test(`fused: ${name}`, run);

/** The composed path, which observing takes. */
const observed = () => {
  const attention = softmaxAttention({ scale: 0.7 });
  return (q: Tensor, k: Tensor, v: Tensor, options = {}) => attention(q, k, v, { observe: () => {}, ...options });
};

for (const { name, run } of attentionContract(observed, { ...traits, oracle: oracle(0.7) }))
  test(`composed: ${name}`, run);

const draws = (seed: number, shape: number[]): Tensor => {
  const source = rng(seed);
  return fromArray(
    Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () => source.next() - 0.5),
    shape,
  );
};

test("shows scores and probs on request", () => {
  const [q, k, v] = [draws(1, [1, 2, 3, 4]), draws(2, [1, 1, 3, 4]), draws(3, [1, 1, 3, 4])];
  const bias = tensor(
    [
      [0, 5, 0],
      [0, 0, 0],
      [0, 0, 0],
    ],
    { dtype: "float64" },
  );
  const views: AttentionView[] = [];
  const options = { mask: causal()(arange(0, 3), arange(0, 3)), bias };
  const y = softmaxAttention({ scale: 1 })(q, k, v, { ...options, observe: (view) => views.push(view) });
  expect(views).toHaveLength(1);
  const probs = Array.from(dataSync(views[0]!.probs));
  expect(views[0]!.probs.shape).toEqual([1, 2, 3, 3]);
  expect([...probs.slice(0, 3)]).toEqual([1, 0, 0]);
  for (let row = 0; row < 6; row++)
    expect(probs.slice(3 * row, 3 * row + 3).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  const dot = (t: number, s: number) =>
    [0, 1, 2, 3].reduce((sum, d) => sum + dataSync(q)[4 * t + d]! * dataSync(k)[4 * s + d]!, 0);
  expect(dataSync(views[0]!.scores)[1]).toBeCloseTo(dot(0, 1) + 5, 12);
  const fused = dataSync(softmaxAttention({ scale: 1 })(q, k, v, options));
  dataSync(y).forEach((value, i) => expect(value).toBeCloseTo(fused[i]!, 12));
});

test("a bias is added to the scores", () => {
  const [q, k, v] = [zeros([1, 1, 1, 2]), zeros([1, 1, 2, 2]), tensor([[[[1], [3]]]])];
  const bias = tensor([[Math.log(3), 0]]);
  expect(dataSync(softmaxAttention()(q, k, v, { bias }))[0]).toBeCloseTo(1.5, 6);
});

test("drops probs only where a call brings an rng, and keeps their mean", () => {
  const [q, k, v] = [zeros([1, 1, 1, 2]), zeros([1, 1, 64, 2]), fromArray(new Float32Array(64).fill(1), [1, 1, 64, 1])];
  const attention = softmaxAttention({ dropout: 0.5 });
  expect(dataSync(attention(q, k, v))[0]).toBeCloseTo(1, 6);
  const source = rng(3);
  const values = Array.from({ length: 200 }, () => dataSync(attention(q, k, v, { rng: source }))[0]!);
  expect(new Set(values).size).toBeGreaterThan(5);
  // each value is 2/64 times a binomial(64, 1/2): standard deviation 1/8
  expect(Math.abs(values.reduce((a, b) => a + b) / 200 - 1)).toBeLessThan((3 * 0.125) / Math.sqrt(200));
  dispose([q, k, v]);
});

test("names what does not fit", () => {
  expect(() => softmaxAttention({ scale: Number.NaN })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: softmaxAttention: scale is out of range, expected a finite number, got NaN]`,
  );
  expect(() => softmaxAttention({ dropout: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: softmaxAttention: dropout is out of range, expected a probability in [0, 1), got 1]`,
  );
  const attention = softmaxAttention();
  expect(() =>
    attention(zeros([1, 3, 2, 4]), zeros([1, 2, 2, 4]), zeros([1, 2, 2, 4])),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: softmaxAttention: k has G=2 heads, expected a divisor of H=3 (from q [1, 3, 2, 4])]`,
  );
  expect(() =>
    attention(zeros([1, 2, 5, 16]), zeros([1, 2, 7, 8]), zeros([1, 2, 7, 8])),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: softmaxAttention: k has D=8 in shape [1, 2, 7, 8], expected D=16 (from q [1, 2, 5, 16])]`,
  );
});
