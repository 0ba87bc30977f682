import { LayerNorm, normalInit, stateDict } from "@heed/nn";
import {
  arange,
  createWasmBackend,
  dataSync,
  fromArray,
  referenceBackend,
  rmsNorm,
  rng,
  type Tensor,
  tensor,
  useBackend,
  withBackend,
  zeros,
} from "@heed/tensor";
import { describe, expect, test } from "vitest";
import {
  additiveScore,
  attention,
  bilinearScore,
  cosineScore,
  createAdditiveScore,
  createBilinearScore,
  createLinearScore,
  dotScore,
  l2Norm,
  learnedTemperature,
  linearScore,
  negativeSquaredDistanceScore,
  qkNorm,
  type ScoreFn,
  scaledDotScore,
  softCap,
  softmaxAttention,
  softmaxWeighting,
  talkingProbs,
  talkingScores,
} from "../src/index.ts";
import { type AttentionTraits, attentionContract, expectClose } from "../src/testing.ts";
import { dot, mix, type NaiveScore, naive, total, weighRow } from "./naive.ts";

useBackend(referenceBackend());

const init = normalInit({ std: 0.5, rng: rng(11), dtype: "float64" });
const plain = (x: Tensor): number[] => Array.from(dataSync(x));
/** Rows of the last axis. */
const rows = (x: Tensor): number[][] => {
  const width = x.shape.at(-1)!;
  return Array.from({ length: x.size / width }, (_, r) => plain(x).slice(r * width, (r + 1) * width));
};
const float64 = (values: number[], shape: number[]) =>
  fromArray(Float64Array.from(values), shape, { dtype: "float64" });

const q = init([1, 4, 3, 4]);
const k = init([1, 4, 3, 4]);
const v = init([1, 4, 3, 2]);
/** Both attend alike. */
const same = (a: ScoreFn, b: ScoreFn, tolerance = 1e-12): void =>
  expectClose("limit", plain(attention({ score: a })(q, k, v)), plain(attention({ score: b })(q, k, v)), tolerance);

const additive = createAdditiveScore({ dQuery: 4, dScore: 3, weight: init });
const perHead = createAdditiveScore({ dQuery: 4, dScore: 3, numHeads: 4, weight: init });
const bilinear = createBilinearScore({ dQuery: 4, weight: init, bias: init });
const unbiased = createBilinearScore({ dQuery: 4, numHeads: 4, weight: init });
const linear = createLinearScore({ dQuery: 4, weight: init, bias: init });
const logScale = float64([0.3, -0.2, 0.1, 0.7], [4]);
const [gain, shift] = [init([4]), init([4])];
const mixing = init([4, 4]);

const additiveOf =
  ({ queryWeight, keyWeight, vector }: typeof additive, start = 0): NaiveScore =>
  (query, key) =>
    total(
      plain(vector)
        .slice(start * 3, start * 3 + 3)
        .map(
          (value, a) =>
            value *
            Math.tanh(dot(rows(queryWeight)[start * 3 + a]!, query) + dot(rows(keyWeight)[start * 3 + a]!, key)),
        ),
    );
const bilinearOf = ({ weight, bias }: typeof bilinear, start = 0): NaiveScore => {
  const matrix = rows(weight).slice(start * 4, start * 4 + 4);
  return (query, key) => total(query.map((x, i) => x * dot(matrix[i]!, key))) + (bias ? plain(bias)[0]! : 0);
};
const length = (x: readonly number[]) => Math.sqrt(dot(x, x));
const cosineOf: NaiveScore = (a, b) => dot(a, b) / length(a) / length(b);
const layerNormOf = (x: readonly number[]): number[] => {
  const mean = total([...x]) / 4;
  const variance = total(x.map((value) => (value - mean) ** 2)) / 4;
  return x.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * plain(gain)[i]! + plain(shift)[i]!);
};
const layerNorm = new LayerNorm(gain, shift);
const rms = { forward: (x: Tensor) => rmsNorm(x, { gain, epsilon: 1e-6 }) };
const rmsOf = (x: readonly number[]) =>
  x.map((value, i) => (value / Math.sqrt(dot(x, x) / 4 + 1e-6)) * plain(gain)[i]!);

interface Variant {
  readonly score: ScoreFn;
  readonly naive: NaiveScore;
  readonly limit: () => void;
}

/** Every score and every modifier, with its formula and a limit in which it is another one. */
const variants: Record<string, Variant> = {
  dot: { score: dotScore(), naive: dot, limit: () => same(dotScore(), scaledDotScore({ scale: 1 })) },
  "scaled dot": {
    score: scaledDotScore(),
    naive: (a, b) => dot(a, b) / 2,
    limit: () => same(scaledDotScore(), scaledDotScore({ scale: 0.5 })),
  },
  additive: {
    score: additive,
    naive: additiveOf(additive),
    // small arguments: tanh is the identity, and the softmax forgets the part of the query
    limit: () => {
      const small = 1e-4;
      const unit = float64([1 / small], [1]);
      const [a, b] = [init([1, 4]), init([1, 4])];
      const scaled = (x: Tensor, by: number) =>
        float64(
          plain(x).map((value) => value * by),
          [...x.shape],
        );
      const tiny = additiveScore({ queryWeight: scaled(a, small), keyWeight: scaled(b, small), vector: unit });
      const zero = linearScore({
        weight: float64([...plain(a), ...plain(b)], [8]),
        bias: float64([0], [1]),
        activation: (x) => x,
      });
      same(tiny, zero, 1e-6);
    },
  },
  "additive, for each head": {
    score: perHead,
    naive: (a, b, head) => additiveOf(perHead, head)(a, b, head),
    limit: () => {
      const copy = (x: Tensor) => float64(new Array(4).fill(plain(x)).flat(), [4, ...x.shape]);
      const { queryWeight, keyWeight, vector } = additive;
      const copies = { queryWeight: copy(queryWeight), keyWeight: copy(keyWeight), vector: copy(vector) };
      same(additiveScore(copies), additive);
    },
  },
  bilinear: {
    score: bilinear,
    naive: bilinearOf(bilinear),
    limit: () => {
      const identity = float64([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], [4, 4]);
      same(bilinearScore({ weight: identity }), dotScore());
    },
  },
  "bilinear, for each head": {
    score: unbiased,
    naive: (a, b, head) => bilinearOf(unbiased, head)(a, b, head),
    limit: () => same(bilinearScore({ weight: zeros([4, 4], { dtype: "float64" }) }), scaledDotScore({ scale: 0 })),
  },
  cosine: {
    score: cosineScore(),
    naive: cosineOf,
    limit: () => same(cosineScore(), qkNorm(dotScore(), { query: l2Norm(), key: l2Norm() })),
  },
  linear: {
    score: linear,
    naive: (a, b) => Math.tanh(dot(plain(linear.weight), [...a, ...b]) + plain(linear.bias)[0]!),
    limit: () => {
      const { bias } = linear;
      same(linearScore({ weight: zeros([8], { dtype: "float64" }), bias }), scaledDotScore({ scale: 0 }));
    },
  },
  "negative squared distance": {
    score: negativeSquaredDistanceScore({ scale: 0.7 }),
    naive: (a, b) => -0.7 * total(a.map((x, i) => (x - b[i]!) ** 2)),
    // between vectors of one length the distance says what the dot product says
    limit: () => {
      const unit = { query: l2Norm(), key: l2Norm() };
      same(qkNorm(negativeSquaredDistanceScore({ scale: 0.5 }), unit), cosineScore());
    },
  },
  "soft cap": {
    score: softCap(dotScore(), { cap: 1.5 }),
    naive: (a, b) => 1.5 * Math.tanh(dot(a, b) / 1.5),
    limit: () => same(softCap(dotScore(), { cap: 1e7 }), dotScore(), 1e-9),
  },
  "query-key norm, l2": {
    score: qkNorm(scaledDotScore({ scale: 10 }), { query: l2Norm(), key: l2Norm() }),
    naive: (a, b) => 10 * cosineOf(a, b, 0),
    limit: () =>
      same(qkNorm(scaledDotScore({ scale: 0 }), { query: l2Norm(), key: l2Norm() }), scaledDotScore({ scale: 0 })),
  },
  "query-key norm, layer": {
    score: qkNorm(scaledDotScore(), { query: layerNorm, key: layerNorm }),
    naive: (a, b) => dot(layerNormOf(a), layerNormOf(b)) / 2,
    limit: () => {
      const none = { forward: (x: Tensor) => x };
      same(qkNorm(scaledDotScore(), { query: none, key: none }), scaledDotScore());
    },
  },
  "query-key norm, rms": {
    score: qkNorm(scaledDotScore(), { query: rms, key: rms }),
    naive: (a, b) => dot(rmsOf(a), rmsOf(b)) / 2,
    limit: () => {
      const wide = { forward: (x: Tensor) => rmsNorm(x, { epsilon: 0 }) };
      // without gain the root mean square norm is twice the unit vector in 4 dimensions
      same(
        qkNorm(dotScore(), { query: wide, key: wide }),
        qkNorm(scaledDotScore({ scale: 4 }), { query: l2Norm(), key: l2Norm() }),
      );
    },
  },
  "learned temperature": {
    score: learnedTemperature(cosineScore(), { logScale }),
    naive: (a, b, head) => cosineOf(a, b, head) * Math.exp(plain(logScale)[head]!),
    limit: () => same(learnedTemperature(dotScore(), { logScale: float64([0], [1]) }), dotScore()),
  },
};

describe.each(Object.entries(variants))("%s", (_, { score, naive: formula, limit }) => {
  const traits: AttentionTraits = { oracle: naive(formula), limit };
  for (const { name, run } of attentionContract(() => attention({ score }), traits)) test(name, run);
  test("composed equals fused", () => {
    const make = attention({ score });
    const parts = make(q, k, v, { observe: () => {} });
    expectClose("composed", plain(parts), plain(make(q, k, v)), 1e-12);
  });
});

const identity4 = float64([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], [4, 4]);
const [before, after] = [mixing, init([4, 4])];
describe("talking heads", () => {
  const make = () =>
    attention({
      score: talkingScores(scaledDotScore(), { weight: before }),
      weigh: talkingProbs(softmaxWeighting(), { weight: after }),
    });
  const traits: AttentionTraits = {
    oracle: ({ q: queries, v: values, visible, head, heads }) =>
      queries.map((_, t) => {
        const probs = heads.map((_, h) =>
          weighRow(
            (scores) => {
              const powers = scores.map(Math.exp);
              return powers.map((power) => power / total(powers));
            },
            heads[0]!.k.map((_, s) =>
              total(heads.map((other, g) => rows(before)[h]![g]! * (dot(other.q[t]!, other.k[s]!) / 2))),
            ),
            visible[t]!,
          ),
        );
        const mixed = values.map((_, s) => total(probs.map((row, g) => rows(after)[head]![g]! * row[s]!)));
        return mix(mixed, values);
      }),
    limit: () => {
      const plainTalk = attention({
        score: talkingScores(scaledDotScore(), { weight: identity4 }),
        weigh: talkingProbs(softmaxWeighting(), { weight: identity4 }),
      });
      expectClose("identity", plain(plainTalk(q, k, v)), plain(softmaxAttention()(q, k, v)), 1e-12);
    },
  };
  for (const { name, run } of attentionContract(make, traits)) test(name, run);
});

test("scores that are dot products run fused, and say so", () => {
  const kernels = Object.fromEntries(
    Object.entries(variants).map(([name, { score }]) => [name, attention({ score }).kernel]),
  );
  expect(kernels).toMatchInlineSnapshot(`
    {
      "additive": "composed",
      "additive, for each head": "composed",
      "bilinear": "scaledDotProductAttention",
      "bilinear, for each head": "scaledDotProductAttention",
      "cosine": "scaledDotProductAttention",
      "dot": "scaledDotProductAttention",
      "learned temperature": "scaledDotProductAttention",
      "linear": "composed",
      "negative squared distance": "composed",
      "query-key norm, l2": "scaledDotProductAttention",
      "query-key norm, layer": "scaledDotProductAttention",
      "query-key norm, rms": "scaledDotProductAttention",
      "scaled dot": "scaledDotProductAttention",
      "soft cap": "composed",
    }
  `);
  const wasm = createWasmBackend();
  if (!wasm) return;
  const single = (shape: number[]) => fromArray(new Float32Array(24).fill(0.5), shape, { backend: wasm });
  const cosine = attention({ score: cosineScore() });
  withBackend(wasm, () => cosine(single([1, 2, 3, 4]), single([1, 2, 3, 4]), single([1, 2, 3, 4])));
  expect(wasm.report().filter(({ op }) => op === "scaledDotProductAttention")).toMatchObject([{ calls: 1 }]);
});

test("weights are found by stateDict, through modifiers too", () => {
  const score = softCap(learnedTemperature(additive, { logScale }), { cap: 5 });
  expect([...stateDict({ attention: attention({ score }) }).keys()]).toEqual([
    "attention.score.score.score.queryWeight",
    "attention.score.score.score.keyWeight",
    "attention.score.score.score.vector",
    "attention.score.score.logScale",
  ]);
  expect([...stateDict(attention({ score: qkNorm(dotScore(), { query: layerNorm, key: l2Norm() }) })).keys()]).toEqual([
    "score.query.gain",
    "score.query.bias",
  ]);
});

test("queries and keys of different widths: additive, bilinear, linear", () => {
  const [wide, narrow] = [init([1, 2, 3, 6]), init([1, 2, 5, 4])];
  const values = init([1, 2, 5, 2]);
  const sizes = { dQuery: 6, dKey: 4, weight: init };
  for (const score of [
    createAdditiveScore(sizes),
    createBilinearScore(sizes),
    createLinearScore({ ...sizes, bias: init }),
  ])
    expect(attention({ score })(wide, narrow, values).shape).toEqual([1, 2, 3, 2]);
});

test("the variance of dot products grows with the width, that of scaled ones does not", () => {
  const source = rng(5);
  const normal = normalInit({ std: 1, rng: source, dtype: "float64" });
  const variance = (score: ScoreFn, d: number): number => {
    const scores = plain(score(normal([1, 1, 200, d]), normal([1, 1, 200, d])));
    return total(scores.map((x) => x * x)) / scores.length;
  };
  for (const d of [4, 16, 64, 256]) {
    // queries and keys repeat in rows and columns: 10 % is five standard deviations
    expect(Math.abs(variance(dotScore(), d) / d - 1)).toBeLessThan(0.1);
    expect(Math.abs(variance(scaledDotScore(), d) - 1)).toBeLessThan(0.1);
  }
});

test("names what does not fit", () => {
  const call = (score: ScoreFn) => () => attention({ score })(q, init([1, 4, 3, 5]), v);
  expect(() => scaledDotScore({ scale: Infinity })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: scaledDotScore: scale is out of range, expected a finite number, got Infinity]`,
  );
  expect(call(dotScore())).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: attention: k has D=5 in shape [1, 4, 3, 5], expected D=4 (from q [1, 4, 3, 4])]`,
  );
  expect(call(cosineScore())).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: attention: k has D=5 in shape [1, 4, 3, 5], expected D=4 (from q [1, 4, 3, 4])]`,
  );
  expect(call(negativeSquaredDistanceScore())).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: negativeSquaredDistanceScore: k has D=5 in shape [1, 4, 3, 5], expected D=4 (from q [1, 4, 3, 4])]`,
  );
  expect(() => negativeSquaredDistanceScore({ scale: Number.NaN })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: negativeSquaredDistanceScore: scale is out of range, expected a finite number, got NaN]`,
  );
  expect(call(additive)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: additiveScore: k has Dk=5 in shape [1, 4, 3, 5], expected Dk=4 (from keyWeight [3, 4])]`,
  );
  expect(call(bilinear)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: bilinearScore: k has Dk=5 in shape [1, 4, 3, 5], expected Dk=4 (from weight [4, 4])]`,
  );
  expect(call(linear)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: linearScore: weight has 8 values, expected 9 (from q [1, 4, 3, 4] and k [1, 4, 3, 5])]`,
  );
  expect(() => softCap(dotScore(), { cap: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: softCap: cap is out of range, expected a finite number > 0, got 0]`,
  );
  expect(() => l2Norm({ epsilon: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: l2Norm: epsilon is out of range, expected a finite number > 0, got 0]`,
  );
  expect(call(learnedTemperature(dotScore(), { logScale: float64([1, 2], [2]) }))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: learnedTemperature: logScale has shape [2], expected [1] or [4] (H, from the scores)]`,
  );
  expect(() =>
    attention({ score: talkingScores(dotScore(), { weight: init([3, 3]) }) })(q, k, v),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: talkingScores: weight has H=3 in shape [3, 3], expected H=4 (from scores [1, 4, 3, 3])]`,
  );
  expect(() =>
    additiveScore({ queryWeight: init([3, 4]), keyWeight: init([2, 4]), vector: init([3]) }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: additiveScore: keyWeight has A=2 in shape [2, 4], expected A=3 (from queryWeight [3, 4])]`,
  );
  expect(() =>
    additiveScore({ queryWeight: init([3]), keyWeight: init([3, 4]), vector: init([3]) }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: additiveScore: queryWeight has shape [3], expected 2 axes, or 3 with the heads first]`,
  );
  expect(() => bilinearScore({ weight: init([4, 4]), bias: init([2]) })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: bilinearScore: bias has shape [2], expected one value [1]]`,
  );
  expect(() => linearScore({ weight: init([8]), bias: init([2]) })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: linearScore: bias has shape [2], expected one value [1]]`,
  );
});

test("attention names what does not fit a call", () => {
  const fn = attention({ score: dotScore() });
  const mask = (shape: number[]) => zeros(shape, { dtype: "bool" });
  expect(() => attention({ score: dotScore(), dropout: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: attention: dropout is out of range, expected a probability in [0, 1), got 1]`,
  );
  expect(() => fn(q, k, v, { mask: mask([2, 3]) })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: attention: mask has shape [2, 3], expected one that stretches to [1, 4, 3, 3] [B, H, T, S]]`,
  );
  expect(() => fn(q, k, v, { mask: mask([1, 1, 1, 3, 3]) })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: attention: mask has shape [1, 1, 1, 3, 3], expected one that stretches to [1, 4, 3, 3] [B, H, T, S]]`,
  );
  expect(() => fn(q, k, v, { mask: zeros([3, 3], { dtype: "float64" }) })).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: attention: mask has dtype float64, expected bool. Use cast]`,
  );
  expect(() => fn(q, k, v, { bias: zeros([2, 3], { dtype: "float64" }) })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: attention: bias has shape [2, 3], expected one that stretches to [1, 4, 3, 3] [B, H, T, S]]`,
  );
  expect(() => fn(q, tensor([[1]], { dtype: "float64" }), v)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: attention: k has rank 2 in shape [1, 1], expected 4 axes [B, G, S, Dk]]`,
  );
  expect(() => fn(q, k, zeros([1, 4, 2, 2], { dtype: "float64" }))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: attention: v has S=2 in shape [1, 4, 2, 2], expected S=3 (from k [1, 4, 3, 4])]`,
  );
  expect(() => fn(q, k, zeros([1, 4, 3, 2]))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: attention: v has dtype float32, expected float64. Use cast]`,
  );
  expect(() => fn(arange(0, 4), k, v)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: attention: q has rank 1 in shape [4], expected 4 axes [B, H, T, Dq]]`,
  );
});
