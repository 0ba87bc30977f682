import { createMultiHeadAttention, full, softmaxAttention } from "@heed/attention";
import {
  createEmbedding,
  createFeedForward,
  createLayerNorm,
  createLinear,
  InputEmbedding,
  normalInit,
  parameters,
  reluActivation,
  stateDict,
} from "@heed/nn";
import { sinusoidal } from "@heed/positions";
import {
  crossEntropy,
  dataSync,
  fromArray,
  referenceBackend,
  rng,
  type Tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { expect, test } from "vitest";
import { Block, Decoder, type DecoderParts } from "../src/index.ts";

useBackend(referenceBackend());

const dModel = 8;
const ids = (...values: number[]): Tensor => fromArray(Int32Array.from(values), [1, values.length]);

function assemble(change: Partial<DecoderParts> = {}): Decoder {
  const weight = normalInit({ std: 0.3, rng: rng(1) });
  const block = () =>
    new Block({
      norm1: createLayerNorm({ dModel }),
      attention: createMultiHeadAttention({
        dModel,
        numHeads: 4,
        numKvHeads: 2,
        attention: softmaxAttention(),
        weight,
      }),
      norm2: createLayerNorm({ dModel }),
      feedForward: createFeedForward({ dModel, dFF: 12, activation: reluActivation, weight }),
    });
  return new Decoder({
    embedding: new InputEmbedding({
      tokens: createEmbedding({ numEmbeddings: 9, dModel, weight }),
      position: sinusoidal(),
    }),
    blocks: [block(), block()],
    norm: createLayerNorm({ dModel }),
    maxSeqLen: 10,
    ...change,
  });
}

test("parts assembled by hand train and decode: sinusoidal positions, grouped heads, relu", () => {
  const model = assemble();
  const { value, gradients } = valueAndGradients(
    () => crossEntropy(model.forward(ids(1, 2, 3)), ids(2, 3, 4)),
    parameters(model),
  );
  expect(dataSync(value)[0]).toBeGreaterThan(0);
  for (const gradient of gradients) expect(dataSync(gradient).some((g) => g !== 0 && Number.isFinite(g))).toBe(true);
  const whole = dataSync(model.forward(ids(1, 2, 3)));
  const cache = model.createCache();
  model.forward(ids(1, 2), { cache });
  dataSync(model.forward(ids(3), { cache })).forEach((value_, i) => expect(value_).toBeCloseTo(whole[18 + i]!, 5));
  cache.dispose();
});

test("the head may be a layer of its own, the blocks none at all", () => {
  const head = createLinear({ dIn: dModel, dOut: 4, weight: normalInit({ std: 1, rng: rng(2) }) });
  const model = assemble({ head, blocks: [] });
  expect(model.forward(ids(1, 2)).shape).toEqual([1, 2, 4]);
  expect([...stateDict(model).keys()]).toEqual([
    "stack.embedding.tokens.weight",
    "stack.norm.gain",
    "stack.norm.bias",
    "head.weight",
  ]);
});

test("the mask is a part too, and a call may bring another", () => {
  const last = (tokens: Tensor, model: Decoder, mask?: ReturnType<typeof full>): number[] => [
    ...dataSync(model.forward(tokens, { mask })).slice(0, 9),
  ];
  const causal = assemble();
  expect(last(ids(1, 2), causal)).toEqual(last(ids(1, 3), causal));
  expect(last(ids(1, 2), causal, full())).not.toEqual(last(ids(1, 3), causal, full()));
  const bidirectional = assemble({ mask: full() });
  expect(last(ids(1, 2), bidirectional)).not.toEqual(last(ids(1, 3), bidirectional));
});

test("embedding dropout needs rng", () => {
  const model = assemble({ embeddingDropout: 0.5 });
  const logits = (source?: ReturnType<typeof rng>): string =>
    dataSync(model.forward(ids(1, 2), source ? { rng: source } : {})).join();
  expect(logits()).toBe(logits());
  expect(logits(rng(3))).toBe(logits(rng(3)));
  expect(logits(rng(3))).not.toBe(logits());
});
