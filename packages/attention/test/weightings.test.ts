import { normalInit, stateDict } from "@heed/nn";
import {
  argmax,
  dataSync,
  fromArray,
  multiply,
  referenceBackend,
  rng,
  softmax as softmaxOf,
  subtract,
  sum,
  type Tensor,
  tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { describe, expect, test } from "vitest";
import {
  argmaxWeighting,
  attention,
  dotScore,
  entmax15Weighting,
  gumbelWeighting,
  scaledDotScore,
  sigmoidWeighting,
  softmaxWeighting,
  softmaxWithSink,
  sparsemaxWeighting,
  straightThroughWeighting,
  topKWeighting,
  uniformWeighting,
  type WeighFn,
} from "../src/index.ts";
import { type AttentionTraits, attentionContract, expectClose } from "../src/testing.ts";
import { dot, type NaiveWeigh, naive, softmax, total } from "./naive.ts";

useBackend(referenceBackend());

const init = normalInit({ std: 1, rng: rng(21), dtype: "float64" });
const plain = (x: Tensor): number[] => Array.from(dataSync(x));
const row = (...scores: number[]): Tensor => fromArray(Float64Array.from(scores), [1, 1, 1, scores.length]);
const weights = (weigh: WeighFn, ...scores: number[]): number[] => plain(weigh(row(...scores)));

/** The number between low and high where a falling function is 1. */
function whereOne(falling: (x: number) => number, low: number, high: number): number {
  let [a, b] = [low, high];
  for (let i = 0; i < 200; i++) {
    const middle = (a + b) / 2;
    if (falling(middle) > 1) a = middle;
    else b = middle;
  }
  return a;
}

const oneHot: NaiveWeigh = (scores) => {
  const first = scores.indexOf(Math.max(...scores));
  return scores.map((_, s) => Number(s === first));
};
const sparsemax: NaiveWeigh = (scores) => {
  const at = (tau: number) => scores.map((z) => Math.max(z - tau, 0));
  return at(whereOne((tau) => total(at(tau)), Math.min(...scores) - 1, Math.max(...scores)));
};
const entmax: NaiveWeigh = (scores) => {
  const at = (tau: number) => scores.map((z) => Math.max(z / 2 - tau, 0) ** 2);
  return at(whereOne((tau) => total(at(tau)), Math.min(...scores) / 2 - 1, Math.max(...scores) / 2));
};
const topTwo: NaiveWeigh = (scores) => {
  const best = [...scores].sort((a, b) => b - a).slice(0, 2);
  const kept = scores.map((z) => (best.includes(z) ? Math.exp(z) : 0));
  return kept.map((power) => power / total(kept));
};
const sinks = init([4]);
const withSink =
  (sink: number): NaiveWeigh =>
  (scores) =>
    scores.map((z) => Math.exp(z) / (Math.exp(sink) + total(scores.map(Math.exp))));

const [q, k, v] = [init([1, 2, 5, 4]), init([1, 2, 5, 4]), init([1, 2, 5, 3])];
const run = (weigh: WeighFn, scale = 1) => plain(attention({ score: scaledDotScore({ scale }), weigh })(q, k, v));
const same = (a: readonly number[], b: readonly number[], tolerance = 1e-9): void =>
  expectClose("limit", a, b, tolerance);

interface Variant extends Partial<AttentionTraits> {
  readonly weigh: WeighFn;
  readonly naive: NaiveWeigh;
  readonly limit: () => void;
}

/** Every weighting, with its formula and a limit in which it is another one. */
const variants: Record<string, Variant> = {
  softmax: {
    weigh: softmaxWeighting(),
    naive: softmax,
    limit: () => same(run(softmaxWeighting(), 0), run(uniformWeighting())),
  },
  "softmax, off by one": {
    weigh: softmaxWithSink(),
    naive: withSink(0),
    limit: () => same(run(softmaxWithSink()), run(softmaxWithSink({ sink: tensor([0], { dtype: "float64" }) }))),
  },
  argmax: {
    weigh: argmaxWeighting(),
    naive: oneHot,
    limit: () => same(run(argmaxWeighting()), run(softmaxWeighting(), 1e6)),
  },
  "straight-through argmax": {
    weigh: straightThroughWeighting(),
    naive: oneHot,
    differentiable: false,
    limit: () => same(run(straightThroughWeighting()), run(argmaxWeighting())),
  },
  "gumbel, without an rng": {
    weigh: gumbelWeighting({ temperature: 0.5 }),
    naive: (scores) => softmax(scores.map((z) => z / 0.5)),
    limit: () => same(run(gumbelWeighting({ temperature: 1e-6 })), run(argmaxWeighting())),
  },
  "gumbel, hard, without an rng": {
    weigh: gumbelWeighting({ hard: true }),
    naive: oneHot,
    differentiable: false,
    limit: () => same(run(gumbelWeighting({ hard: true })), run(argmaxWeighting())),
  },
  "top 2": {
    weigh: topKWeighting({ k: 2 }),
    naive: topTwo,
    limit: () => {
      same(run(topKWeighting({ k: 1 })), run(argmaxWeighting()));
      same(run(topKWeighting({ k: 9 })), run(softmaxWeighting()));
    },
  },
  sparsemax: {
    weigh: sparsemaxWeighting(),
    naive: sparsemax,
    limit: () => same(run(sparsemaxWeighting(), 1e4), run(argmaxWeighting())),
  },
  "entmax 1.5": {
    weigh: entmax15Weighting(),
    naive: entmax,
    limit: () => same(run(entmax15Weighting(), 1e4), run(argmaxWeighting())),
  },
  sigmoid: {
    weigh: sigmoidWeighting(),
    naive: (scores) => scores.map((z) => 1 / (1 + Math.exp(Math.log(scores.length) - z))),
    // far below 0 the sigmoid is the exponential: unnormalized softmax
    limit: () => {
      const [first, second] = weights(sigmoidWeighting({ bias: -30 }), 1, 3);
      expect(second! / first!).toBeCloseTo(Math.exp(2), 8);
    },
  },
  "sigmoid, with a bias": {
    weigh: sigmoidWeighting({ bias: -1 }),
    naive: (scores) => scores.map((z) => 1 / (1 + Math.exp(1 - z))),
    limit: () => same(weights(sigmoidWeighting({ bias: -Math.log(2) }), 1, 3), weights(sigmoidWeighting(), 1, 3)),
  },
  uniform: {
    weigh: uniformWeighting(),
    naive: (scores) => scores.map(() => 1 / scores.length),
    bias: "ignored",
    limit: () => same(run(uniformWeighting()), run(softmaxWeighting(), 0)),
  },
};

describe.each(Object.entries(variants))("%s", (_, { weigh, naive: formula, ...traits }) => {
  const oracle = naive((a, b) => dot(a, b) / 2, formula);
  const make = () => attention({ score: scaledDotScore(), weigh });
  for (const { name, run: check } of attentionContract(make, { oracle, ...traits })) test(name, check);
  test("large scores stay finite", () => {
    const far = weights(weigh, 1e4, -1e4, 9999, 0);
    expect(far.every((weight) => weight >= 0 && weight <= 1)).toBe(true);
  });
});

describe("softmax with a learned sink for each head", () => {
  const traits: AttentionTraits = {
    oracle: (input) => naive((a, b) => dot(a, b) / 2, withSink(plain(sinks)[input.head]!))(input),
    limit: () => same(run(softmaxWithSink({ sink: tensor([-1e3], { dtype: "float64" }) })), run(softmaxWeighting())),
  };
  const weigh = softmaxWithSink({ sink: sinks });
  for (const { name, run: check } of attentionContract(() => attention({ score: scaledDotScore(), weigh }), traits))
    test(name, check);
  test("learns", () => {
    const fn = attention({
      score: scaledDotScore(),
      weigh: softmaxWithSink({ sink: tensor([0.3], { dtype: "float64" }) }),
    });
    expect([...stateDict(fn).keys()]).toEqual(["weigh.sink"]);
    const { gradients } = valueAndGradients(() => sum(fn(q, k, multiply(v, v))), [stateDict(fn).get("weigh.sink")!]);
    // more weight on the sink is less on values, which are all positive
    expect(dataSync(gradients[0]!)[0]).toBeLessThan(0);
  });
});

const keys = tensor([
  [
    [
      [1, 2, 0],
      [0, 3, 4],
      [5, 0, 0],
      [0, 0, 1],
    ],
  ],
]);
const values = tensor([
  [
    [
      [2, 0, 1],
      [1, 4, 3],
      [0, -1, 4],
      [1, 0, -1],
    ],
  ],
]);
const query = tensor([[[[1, 1, 2]]]]);

test("argmax looks the value of the best key up: (1, 4, 3)", () => {
  // scores 3, 11, 5 and 2
  expect(plain(attention({ score: dotScore(), weigh: argmaxWeighting() })(query, keys, values))).toEqual([1, 4, 3]);
});

test("ties go to the first key", () => {
  expect(weights(argmaxWeighting(), 1, 7, 7)).toEqual([0, 1, 0]);
  expect(weights(straightThroughWeighting(), 1, 7, 7)).toEqual([0, 1, 0]);
  expect(weights(topKWeighting({ k: 2 }), 7, 1, 7, 7).map((weight) => weight > 0)).toEqual([true, false, true, false]);
});

/** Steps of gradient descent on the query, toward the value of key 0; the loss at each. */
function learn(weigh: WeighFn): { losses: number[]; moved: boolean } {
  const fn = attention({ score: scaledDotScore(), weigh });
  const start = multiply(query, 0.1);
  const target = tensor([[[[2, 0, 1]]]]);
  let current = start;
  const losses: number[] = [];
  for (let step = 0; step < 400; step++) {
    const { value, gradients } = valueAndGradients(() => {
      const miss = subtract(fn(current, keys, values), target);
      return sum(multiply(miss, miss));
    }, [current]);
    losses.push(plain(value)[0]!);
    const slope = plain(gradients[0]!);
    current = fromArray(
      plain(current).map((x, i) => x - 0.1 * slope[i]!),
      [1, 1, 1, 3],
    );
  }
  return { losses, moved: plain(current).some((x, i) => x !== plain(start)[i]) };
}

test("why argmax cannot learn where to look: its gradient is 0, and the query never moves", () => {
  const hard = learn(argmaxWeighting());
  expect(hard.moved).toBe(false);
  expect(new Set(hard.losses).size).toBe(1);
  const soft = learn(softmaxWeighting());
  expect(soft.losses.at(-1)!).toBeLessThan(0.01 * soft.losses[0]!);
  // the same lookup with a borrowed gradient arrives
  expect(learn(straightThroughWeighting()).losses.at(-1)).toBe(0);
});

test("argmax gives queries and keys exactly no gradient, and values all of it", () => {
  const fn = attention({ score: dotScore(), weigh: argmaxWeighting() });
  const { gradients } = valueAndGradients(() => sum(fn(query, keys, values)), [query, keys, values]);
  expect(plain(gradients[0]!)).toEqual([0, 0, 0]);
  expect(plain(gradients[1]!)).toEqual(new Array(12).fill(0));
  expect(plain(gradients[2]!)).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
});

test("straight through: the value of argmax, the gradient of softmax", () => {
  const scores = row(0.2, 1.1, -0.4);
  const upstream = row(3, -1, 2);
  const gradientOf = (weigh: (x: Tensor) => Tensor) =>
    plain(valueAndGradients(() => sum(multiply(weigh(scores), upstream)), [scores]).gradients[0]!);
  expectClose(
    "gradient",
    gradientOf((x) => straightThroughWeighting()(x)),
    gradientOf((x) => softmaxOf(x)),
    1e-12,
  );
  expectClose(
    "hard gumbel",
    gradientOf((x) => gumbelWeighting({ hard: true })(x)),
    gradientOf((x) => softmaxOf(x)),
    1e-12,
  );
});

test("gumbel draws each key as often as the softmax says", () => {
  const source = rng(8);
  const scores = [0, 1, 2, -1];
  const expected = softmax(scores);
  const draws = 3000;
  const many = fromArray(
    Float64Array.from({ length: draws * 4 }, (_, i) => scores[i % 4]!),
    [1, 1, draws, 4],
  );
  for (const [hard, temperature] of [
    [true, 3],
    [false, 1e-4],
  ] as const) {
    const picked = dataSync(argmax(gumbelWeighting({ hard, temperature })(many, undefined, { rng: source })));
    scores.forEach((_, s) => {
      const count = picked.filter((choice) => choice === s).length;
      const deviation = Math.sqrt(draws * expected[s]! * (1 - expected[s]!));
      expect(Math.abs(count - draws * expected[s]!)).toBeLessThan(3.5 * deviation);
    });
  }
  const soft = plain(gumbelWeighting({ temperature: 1 })(many, undefined, { rng: source }));
  expect(soft.every((weight) => weight > 0 && weight < 1)).toBe(true);
});

test("sparse weightings give exactly 0 far below the best", () => {
  expect(weights(sparsemaxWeighting(), 0, 0.5, 3)).toEqual([0, 0, 1]);
  expect(weights(entmax15Weighting(), 0, 0.5, 9)).toEqual([0, 0, 1]);
  expect(weights(sparsemaxWeighting(), 0.5, 0.5)).toEqual([0.5, 0.5]);
  // Martins and Astudillo, section 2.2: in two dimensions sparsemax is a line cut at 0 and 1
  expectClose("line", weights(sparsemaxWeighting(), 0.3, 0), [0.65, 0.35], 1e-12);
});

test("names what does not fit", () => {
  expect(() => gumbelWeighting({ temperature: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: gumbelWeighting: temperature is out of range, expected a finite number > 0, got 0]`,
  );
  expect(() => topKWeighting({ k: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: topKWeighting: k is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => topKWeighting({ k: 1.5 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: topKWeighting: k is out of range, expected a whole number >= 1, got 1.5]`,
  );
  expect(() => sigmoidWeighting({ bias: Number.NaN })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: sigmoidWeighting: bias is out of range, expected a finite number, got NaN]`,
  );
  expect(() => softmaxWithSink({ sink: sinks })(row(1, 2))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: softmaxWithSink: sink has shape [4], expected [1] or [1] (H, from the scores)]`,
  );
});
