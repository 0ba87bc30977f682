// Additive against unscaled and scaled dot-product attention, for narrow and wide vectors: the comparison that motivates
// the scale in Vaswani et al. 2017, section 3.2.1 (after Britz et al. 2017, arXiv:1703.03906), on a toy translation.
import { normalInit } from "@heed/nn";
import {
  add,
  createWasmBackend,
  crossEntropy,
  dataSync,
  dispose,
  fromArray,
  gather,
  matmul,
  type Rng,
  referenceBackend,
  reshape,
  rng,
  scope,
  type Tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { expect, test } from "vitest";
import { additiveScore, attention, dotScore, type ScoreFn, scaledDotScore } from "../src/index.ts";

useBackend(createWasmBackend() ?? referenceBackend());

const [vocabSize, length, batch] = [12, 6, 32];
const ids = (values: readonly number[], shape: number[]): Tensor =>
  fromArray(Int32Array.from(values), shape, { dtype: "int32" });

/** Sentences of random words; the translation has other words in reverse order. */
function sentences(source: Rng): { words: Tensor; translation: Tensor } {
  const words = Array.from({ length: batch * length }, () => Math.floor(source.next() * vocabSize));
  const translated = words.map((_, i) => {
    const word = words[i - (i % length) + (length - 1 - (i % length))]!;
    return (5 * word + 3) % vocabSize;
  });
  return { words: ids(words, [batch, length]), translation: ids(translated, [batch, length]) };
}

type Weights = Readonly<Record<string, Tensor>>;

/** Queries know their place in the translation, keys the word and its place, values the word. */
function logitsOf({ queries, places, embedding, head }: Weights, score: ScoreFn, words: Tensor): Tensor {
  const d = embedding!.shape[1]!;
  const embedded = gather(embedding!, words);
  const keys = reshape(add(embedded, places!), [batch, 1, length, d]);
  const values = reshape(embedded, [batch, 1, length, d]);
  const q = add(reshape(queries!, [1, 1, length, d]), fromArray(new Float32Array(batch), [batch, 1, 1, 1]));
  const mixed = attention({ score })(q, keys, values);
  return matmul(reshape(mixed, [batch, length, d]), head!, { transposeB: true });
}

/** Adam in plain arrays. */
function createAdam(rate: number) {
  const moments = new Map<string, { mean: Float64Array; square: Float64Array }>();
  let step = 0;
  return (weights: Weights, gradients: Weights): Record<string, Tensor> => {
    step++;
    return Object.fromEntries(
      Object.entries(weights).map(([name, weight]) => {
        const slope = dataSync(gradients[name]!);
        const { mean, square } = moments.get(name) ?? {
          mean: new Float64Array(slope.length),
          square: new Float64Array(slope.length),
        };
        moments.set(name, { mean, square });
        const moved = Float32Array.from(dataSync(weight), (value, i) => {
          mean[i] = 0.9 * mean[i]! + 0.1 * slope[i]!;
          square[i] = 0.99 * square[i]! + 0.01 * slope[i]! ** 2;
          const size = Math.sqrt(square[i]! / (1 - 0.99 ** step)) + 1e-8;
          return value - (rate * mean[i]!) / (1 - 0.9 ** step) / size;
        });
        return [name, fromArray(moved, weight.shape)];
      }),
    );
  };
}

const scores: Readonly<Record<string, (weights: Weights) => ScoreFn>> = {
  additive: ({ queryWeight, keyWeight, vector }) =>
    additiveScore({ queryWeight: queryWeight!, keyWeight: keyWeight!, vector: vector! }),
  unscaled: () => dotScore(),
  scaled: () => scaledDotScore(),
};

interface Run {
  readonly d: number;
  readonly rate: number;
  readonly steps: number;
  readonly seed: number;
}

/** Mean loss of the last 20 steps. */
function train(name: string, { d, rate, steps, seed }: Run): number {
  const unit = normalInit({ std: 1, rng: rng(seed) });
  const narrow = normalInit({ std: 1 / Math.sqrt(d), rng: rng(seed + 1) });
  let weights: Record<string, Tensor> = {
    queries: unit([length, d]),
    places: unit([length, d]),
    embedding: unit([vocabSize, d]),
    head: narrow([vocabSize, d]),
    ...(name === "additive" && { queryWeight: narrow([16, d]), keyWeight: narrow([16, d]), vector: unit([16]) }),
  };
  const source = rng(seed + 2);
  const update = createAdam(rate);
  const losses = Array.from({ length: steps }, () => {
    const before = weights;
    let loss = 0;
    weights = scope(() => {
      const { words, translation } = sentences(source);
      const { value, gradients } = valueAndGradients(
        () => crossEntropy(logitsOf(before, scores[name]!(before), words), translation),
        before,
      );
      loss = dataSync(value)[0]!;
      return update(before, gradients);
    });
    dispose(Object.values(before));
    return loss;
  });
  dispose(Object.values(weights));
  return losses.slice(-20).reduce((total, loss) => total + loss, 0) / 20;
}

const seeds = [1, 11, 21];
const losses = (name: string, run: Omit<Run, "seed">): number[] => seeds.map((seed) => train(name, { ...run, seed }));

test("narrow vectors: all three learn to translate", () => {
  const narrow = { d: 16, rate: 0.02, steps: 100 };
  for (const name of Object.keys(scores)) expect(Math.max(...losses(name, narrow)), name).toBeLessThan(0.05);
});

test("wide vectors: the unscaled dot product is stuck where additive and scaled have learned", () => {
  // its scores begin with a standard deviation near 30: the softmax is all but an argmax, and has as little gradient
  const wide = { d: 512, rate: 0.002, steps: 80 };
  expect(Math.max(...losses("additive", wide))).toBeLessThan(0.05);
  expect(Math.max(...losses("scaled", wide))).toBeLessThan(0.05);
  expect(Math.min(...losses("unscaled", wide))).toBeGreaterThan(0.2);
});
