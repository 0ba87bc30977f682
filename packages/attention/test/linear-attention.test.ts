import { normalInit } from "@heed/nn";
import {
  arange,
  dataSync,
  full as filled,
  multiply,
  referenceBackend,
  rng,
  sum,
  type Tensor,
  useBackend,
  valueAndGradients,
  zeros,
} from "@heed/tensor";
import { describe, expect, test } from "vitest";
import {
  attention,
  causal,
  dotScore,
  eluPlusOne,
  full,
  linearAttention,
  padding,
  uniformWeighting,
} from "../src/index.ts";
import { type AttentionTraits, attentionContract, expectClose, type HeadInput } from "../src/testing.ts";
import { dot, mix, total } from "./naive.ts";

useBackend(referenceBackend());

const init = normalInit({ std: 1, rng: rng(31), dtype: "float64" });
const phi = (x: readonly number[]) => x.map((value) => (value > 0 ? value + 1 : Math.exp(value)));

/** Equation 4 of the paper, summed term by term. */
const oracle =
  (isCausal: boolean, epsilon: number) =>
  ({ q, k, v, visible }: HeadInput): number[][] =>
    q.map((query, t) => {
      const weights = k.map((key, s) => (visible[t]![s] && (!isCausal || s <= t) ? dot(phi(query), phi(key)) : 0));
      return mix(
        weights.map((weight) => weight / (total(weights) + epsilon)),
        v,
      );
    });

/** Features that are all alike: the mean of the values. */
function meanLimit(): void {
  const [q, k, v] = [init([1, 2, 5, 3]), init([1, 2, 5, 3]), init([1, 2, 5, 2])];
  const one = (x: Tensor): Tensor => filled(x.shape, 1, { dtype: x.dtype });
  const mean = attention({ score: dotScore(), weigh: uniformWeighting() });
  expectClose(
    "mean",
    dataSync(linearAttention({ featureMap: one, epsilon: 0 })(q, k, v)),
    dataSync(mean(q, k, v)),
    1e-12,
  );
}

for (const isCausal of [false, true])
  describe(isCausal ? "causal" : "both ways", () => {
    const traits: AttentionTraits = { oracle: oracle(isCausal, 1e-6), limit: meanLimit, bias: "refused" };
    for (const { name, run } of attentionContract(() => linearAttention({ causal: isCausal }), traits)) test(name, run);
  });

describe("without an epsilon", () => {
  const traits: AttentionTraits = { oracle: oracle(false, 0), limit: meanLimit, bias: "refused" };
  for (const { name, run } of attentionContract(() => linearAttention({ epsilon: 0 }), traits)) test(name, run);
});

const lengths = [1, 63, 64, 65, 150];
test.each(lengths)("prefix sums over chunks equal the matrix at length %i, gradients too", (T) => {
  const [q, k, v] = [init([2, 2, T, 3]), init([2, 1, T, 3]), init([2, 1, T, 2])];
  const weights = init([2, 2, T, 2]);
  const [linear, matrix] = [linearAttention({ causal: true }), linearAttention()];
  const mask = causal()(arange(0, T), arange(0, T));
  const run = (fn: () => Tensor) => valueAndGradients(() => sum(multiply(fn(), weights)), [q, k, v]);
  const [a, b] = [run(() => linear(q, k, v)), run(() => matrix(q, k, v, { mask }))];
  expectClose("output", dataSync(linear(q, k, v)), dataSync(matrix(q, k, v, { mask })), 1e-12);
  a.gradients.forEach((gradient, i) => expectClose("gradient", dataSync(gradient), dataSync(b.gradients[i]!), 1e-10));
});

test("a mask of keys keeps it linear: no tensor of queries by keys is made", () => {
  const T = 256;
  const [q, k, v] = [init([1, 1, T, 2]), init([1, 1, T, 2]), init([1, 1, T, 2])];
  const positions = arange(0, T);
  const keep = filled([1, T], true, { dtype: "bool" });
  for (const fn of [linearAttention(), linearAttention({ causal: true })])
    for (const mask of [full()(positions, positions), padding(keep)(positions, positions)]) {
      const masked = fn(q, k, v, { mask });
      expectClose("mask", dataSync(masked), dataSync(fn(q, k, v)), 1e-12);
    }
});

test("the feature map of the paper", () => {
  const x = multiply(arange(-2, 3, { dtype: "float64" }), 1);
  expectClose("elu + 1", dataSync(eluPlusOne(x)), [Math.exp(-2), Math.exp(-1), 1, 2, 3], 1e-15);
});

test("names what does not fit", () => {
  const [q, k] = [init([1, 2, 3, 4]), init([1, 2, 5, 4])];
  expect(() => linearAttention({ epsilon: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: linearAttention: epsilon is out of range, expected a finite number >= 0, got -1]`,
  );
  expect(() =>
    linearAttention()(q, k, k, { bias: zeros([1, 1], { dtype: "float64" }) }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: linearAttention: bias is given, expected none: there is no exponential to add it in. Use rotary or embedded positions, or softmaxAttention]`,
  );
  expect(() => linearAttention({ causal: true })(q, k, k)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: linearAttention: positions are missing for T=3 queries of S=5 keys, expected positions and keyPositions (int32), got none. A causal call needs them unless queries and keys are the same tokens]`,
  );
  expect(() => linearAttention()(q, init([1, 2, 5, 3]), k)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: linearAttention: k has D=3 in shape [1, 2, 5, 3], expected D=4 (from q [1, 2, 3, 4])]`,
  );
});
