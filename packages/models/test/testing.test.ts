import {
  add,
  gather,
  multiply,
  normal,
  referenceBackend,
  rng,
  type Tensor,
  useBackend,
  withBackend,
} from "@heed/tensor";
import { expect, test } from "vitest";
import { gpt2 } from "../src/index.ts";
import { type LanguageModel, type ModelTraits, modelContract } from "../src/testing.ts";

useBackend(referenceBackend());

const config = { vocabSize: 11, maxSeqLen: 8, dModel: 8, numLayers: 1, numHeads: 2, residualDropout: 0.1 };
const traits: ModelTraits = { make: (source) => gpt2(config, source), vocabSize: 11, maxSeqLen: 8, presets: {} };

/** A model whose logits are changed on the way out. */
const changed =
  (change: (logits: Tensor, tokens: Tensor) => Tensor) =>
  (source: ReturnType<typeof rng>): LanguageModel => {
    const model = gpt2(config, source);
    return { ...model, forward: (tokens, options) => change(model.forward(tokens, options), tokens) };
  };

/** Sees the last token only: two texts that go on differently after the same token confuse it. */
const bigram = (source: ReturnType<typeof rng>): LanguageModel => {
  const table = normal([11, 11], { rng: source, std: 0.02 });
  return { ...{ table }, forward: (tokens) => gather(table, tokens) };
};

let calls = 0;

/** Wrong models, each with the case that must catch it. */
const broken: Record<string, Partial<ModelTraits>> = {
  "presets have the published number of parameters": {
    presets: { tiny: { build: () => gpt2(config, rng(0)), numParameters: 1000 } },
  },
  "initial loss is near ln V": { make: changed((logits) => multiply(logits, 40)) },
  "overfits one batch": { make: bigram },
  "drops only with rng, by its seed": { make: bigram },
  // a weight that is no field: loading cannot reach it
  "loading weights gives the same logits": {
    make: (source) => {
      const hidden = calls++;
      return changed((logits) => add(logits, hidden))(source);
    },
  },
  "refuses tokens and sequences it does not know": {
    make: (source) => {
      const model = gpt2(config, source);
      return { forward: (tokens) => model.forward(withBackend(referenceBackend(), () => multiply(tokens, 0))) };
    },
  },
};

test.each(Object.entries(broken))("the case '%s' catches a wrong model", (name, change) => {
  const found = modelContract({ ...traits, ...change }).find((c) => c.name === name);
  expect(found).toBeDefined();
  expect(() => found!.run()).toThrow(/expected|published are|differ|RangeError/);
});
