import { createEmbedding, InputEmbedding, normalInit } from "@heed/nn";
import { add, dataSync, multiply, referenceBackend, rng, type Tensor, tensor, useBackend } from "@heed/tensor";
import { beforeEach, expect, test } from "vitest";
import { bert, EncoderModel, isEncoderModel, Stack, StatesHead } from "../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

const sizes = { vocabSize: 7, maxSeqLen: 5, dModel: 4, numLayers: 1, numHeads: 1, dFF: 4 };
const encoder = () =>
  new Stack({
    embedding: new InputEmbedding({
      tokens: createEmbedding({ numEmbeddings: 7, dModel: 4, weight: normalInit({ std: 1, rng: rng(0) }) }),
    }),
    blocks: [],
    maxSeqLen: 5,
  });
const ids = (values: number[][]): Tensor => tensor(values, { dtype: "int32" });
const values = (x: Tensor) => [...dataSync(x)];

test("every head reads the states, and what it finds stands under its name", () => {
  const model = new EncoderModel({
    encoder: encoder(),
    heads: { first: new StatesHead({ tokens: "first" }), twice: { forward: (states: Tensor) => multiply(states, 2) } },
  });
  const { states, first, twice } = model.forward(ids([[1, 2]]));
  expect(values(first)).toEqual(values(states).slice(0, 4));
  expect(values(twice)).toEqual(values(states).map((value) => 2 * value));
  expect(values(model.encode(ids([[1, 2]])))).toEqual(values(states));
  expect([model.vocabSize, model.maxSeqLen]).toEqual([7, 5]);
});

test("heads of each token speak of the places that a call names", () => {
  const heads = { each: new StatesHead({ tokens: "each" }), first: new StatesHead({ tokens: "first" }) };
  const model = new EncoderModel({ encoder: encoder(), heads });
  const places = tensor([3, 0], { dtype: "int32" });
  const tokens = ids([
    [1, 2],
    [3, 4],
  ]);
  const { states, each, first } = model.forward(tokens, { places });
  expect(values(each)).toEqual([...values(states).slice(12, 16), ...values(states).slice(0, 4)]);
  expect(first.shape).toEqual([2, 4]);
});

test("without heads there are states alone", () => {
  expect(Object.keys(new EncoderModel({ encoder: encoder() }).forward(ids([[1]])))).toEqual(["states"]);
});

test("heads drop by the call's rng", () => {
  const heads = { first: new StatesHead({ tokens: "first", dropout: 0.5 }) };
  const model = new EncoderModel({ encoder: encoder(), heads });
  const first = (seed?: number) =>
    values(model.forward(ids([[1, 2]]), seed === undefined ? {} : { rng: rng(seed) }).first);
  expect(first()).toEqual(first());
  expect(first(1)).toEqual(first(1));
  expect(Array.from({ length: 4 }, (_, seed) => first(seed)).some((found) => found.includes(0))).toBe(true);
});

test("positions of a call come before those that the model makes", () => {
  const seen: number[][] = [];
  const base = encoder();
  const position = {
    embed: (x: Tensor, positions: Tensor) => {
      seen.push(values(positions));
      return add(x, 0);
    },
  };
  const embedding = new InputEmbedding({ tokens: base.embedding.tokens, position });
  const model = new EncoderModel({
    encoder: new Stack({ embedding, blocks: bert(sizes, rng(0)).encoder.blocks, maxSeqLen: 5 }),
    positions: (tokens, numBefore) => add(tokens, numBefore + 1),
  });
  model.encode(ids([[3, 1]]));
  model.encode(ids([[3, 1]]), { positions: ids([[2, 2]]) });
  const cache = model.encoder.createCache();
  model.encode(ids([[3, 1]]), { cache });
  model.encode(ids([[2]]), { cache });
  expect(seen).toEqual([[4, 2], [2, 2], [4, 2], [5]]);
});

test("isEncoderModel tells encoders with heads from other models", () => {
  expect(isEncoderModel(bert(sizes, null))).toBe(true);
  expect(isEncoderModel(encoder())).toBe(false);
});
