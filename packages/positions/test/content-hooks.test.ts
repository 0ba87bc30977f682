import {
  dataSync,
  fromArray,
  multiply,
  normal,
  referenceBackend,
  rng,
  sum,
  type Tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { describe, expect, test } from "vitest";
import { RelativeKeys, TransformerXlPositions } from "../src/index.ts";

useBackend(referenceBackend());

const [B, H, G, T, S, D, Dv, E] = [2, 4, 2, 3, 5, 4, 3, 6] as const;
const limit = 2;
const draw = (seed: number, ...shape: number[]): Tensor => normal(shape, { rng: rng(seed), dtype: "float64" });
const flat = (x: Tensor): number[] => Array.from(dataSync(x));

const queryPlaces = { shared: [4, 1, 6], "different by row": [4, 1, 6, 0, 9, 2] };
const keyPlaces = { shared: [3, 4, 0, 7, 5], "different by row": [3, 4, 0, 7, 5, 2, 1, 9, 0, 4] };
type Kind = keyof typeof queryPlaces;
const positionsOf = (kind: Kind) => {
  const [queries, keys] = [queryPlaces[kind], keyPlaces[kind]];
  const axes = (count: number) => (kind === "shared" ? [count] : [B, count]);
  return {
    at: [fromArray(queries, axes(T), { dtype: "int32" }), fromArray(keys, axes(S), { dtype: "int32" })] as const,
    distance: (b: number, t: number, s: number): number =>
      keys[kind === "shared" ? s : b * S + s]! - queries[kind === "shared" ? t : b * T + t]!,
  };
};

const clip = (value: number): number => Math.max(-limit, Math.min(limit, value));
type Distance = (b: number, t: number, s: number) => number;
type Numbers = readonly number[];
type Values = Readonly<Record<string, Numbers>>;
/** Of query head h, its key head: heads beside each other share one. */
const keyHead = (h: number): number => Math.floor(h / (H / G));

function everyScore(score: (b: number, h: number, t: number, s: number) => number): number[] {
  const all: number[] = [];
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++) for (let t = 0; t < T; t++) for (let s = 0; s < S; s++) all.push(score(b, h, t, s));
  return all;
}

const rowDot = (x: Numbers, row: number, y: Numbers, other: number, width: number = D): number => {
  let total = 0;
  for (let d = 0; d < width; d++) total += x[row * width + d]! * y[other * width + d]!;
  return total;
};

const relative =
  (bothSides: boolean) =>
  ({ q, k, keys }: Values, distance: Distance): number[] =>
    everyScore((b, h, t, s) => {
      const row = clip(distance(b, t, s)) + limit;
      const asked = rowDot(q!, (b * H + h) * T + t, keys!, row);
      return (asked + (bothSides ? rowDot(k!, (b * G + keyHead(h)) * S + s, keys!, row) : 0)) / Math.sqrt(D);
    });

function transformerXl({ q, k, W, u, v }: Values, distance: Distance): number[] {
  return everyScore((b, h, t, s) => {
    const back = clip(-distance(b, t, s));
    const waves = Array.from({ length: E }, (_, i) => {
      const angle = back / 10000 ** ((i % (E / 2)) / (E / 2));
      return i < E / 2 ? Math.sin(angle) : Math.cos(angle);
    });
    let score = rowDot(u!, h, k!, (b * G + keyHead(h)) * S + s);
    for (let d = 0; d < D; d++)
      score += (q![((b * H + h) * T + t) * D + d]! + v![h * D + d]!) * rowDot(W!, h * D + d, waves, 0, E);
    return score / Math.sqrt(D);
  });
}

/** probs times a row of each pair's distance. */
function mixed({ probs, values }: Values, distance: Distance): number[] {
  const y = new Array<number>(B * H * T * Dv).fill(0);
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++)
      for (let t = 0; t < T; t++)
        for (let s = 0; s < S; s++)
          for (let d = 0; d < Dv; d++) {
            const query = (b * H + h) * T + t;
            const row = clip(distance(b, t, s)) + limit;
            y[query * Dv + d]! += probs![query * S + s]! * values![row * Dv + d]!;
          }
  return y;
}

/** Central differences of sum(weights * naive(inputs)), one number after the other. */
function slopes(naive: (values: Values) => number[], values: Values, name: string, weights: Numbers): number[] {
  const step = 1e-4;
  return values[name]!.map((value, i) => {
    const moved = (by: number): number => {
      const y = naive({ ...values, [name]: values[name]!.map((x, j) => (j === i ? value + by : x)) });
      return y.reduce((total, entry, j) => total + weights[j]! * entry, 0);
    };
    return (moved(step) - moved(-step)) / (2 * step);
  });
}

const closeTo = (what: string, found: Numbers, expected: Numbers, tolerance: number): void => {
  expect(found.length, what).toBe(expected.length);
  const worst = Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)));
  expect(worst, what).toBeLessThan(tolerance);
};

interface Hook {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly run: (at: readonly [Tensor, Tensor]) => Tensor;
  readonly naive: (values: Values, distance: Distance) => number[];
}

const [q, k] = [draw(1, B, H, T, D), draw(2, B, G, S, D)];
const [keys, values] = [draw(3, 2 * limit + 1, D), draw(4, 2 * limit + 1, Dv)];
const probs = draw(5, B, H, T, S);
const [W, u, v] = [draw(6, H * D, E), draw(7, H, D), draw(8, H, D)];

const hooks: Record<string, Hook> = {
  "relative keys": {
    inputs: { q, keys },
    run: (at) => new RelativeKeys(keys).contentBias(q, k, ...at),
    naive: relative(false),
  },
  "relative keys of both sides": {
    inputs: { q, k, keys },
    run: (at) => new RelativeKeys(keys, undefined, { bothSides: true }).contentBias(q, k, ...at),
    naive: relative(true),
  },
  "Transformer-XL": {
    inputs: { q, k, W, u, v },
    run: (at) => {
      const weights = { distanceKeys: W, contentQuery: u, distanceQuery: v };
      return new TransformerXlPositions(weights, { maxDistance: limit }).contentBias(q, k, ...at);
    },
    naive: transformerXl,
  },
  "relative values": {
    inputs: { probs, values },
    run: (at) => new RelativeKeys(keys, values).mixValues!(probs, ...at),
    naive: mixed,
  },
};

const everyCase = Object.entries(hooks).flatMap(([name, hook]) =>
  (["shared", "different by row"] as const).map((kind) => [`${name}, positions ${kind}`, hook, kind] as const),
);

describe("4 query heads on 2 key heads, against loops", () => {
  test.each(everyCase)("%s", (_, { inputs, run, naive }, kind) => {
    const { at, distance } = positionsOf(kind);
    const plain = Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, flat(x)]));
    const y = run(at);
    closeTo("result", flat(y), naive(plain, distance), 1e-12);
    const weights = draw(9, ...y.shape);
    const { gradients } = valueAndGradients(() => sum(multiply(run(at), weights)), inputs);
    for (const name of Object.keys(inputs)) {
      const expected = slopes((x) => naive(x, distance), plain, name, flat(weights));
      closeTo(`gradient of ${name}`, flat(gradients[name]!), expected, 1e-8);
    }
  });
});
