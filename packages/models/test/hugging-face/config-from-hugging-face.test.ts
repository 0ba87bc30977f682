import { expect, test } from "vitest";
import { configFromHuggingFace, families } from "../../src/index.ts";

test("reads the keys of GPT-2, absent ones as GPT-2 defaults", () => {
  const config = configFromHuggingFace({
    model_type: "gpt2",
    n_layer: 2,
    n_embd: 8,
    n_inner: null,
    activation_function: "relu",
    scale_attn_by_inverse_layer_idx: true,
    summary_type: "mean",
  });
  expect(config).toEqual({
    vocabSize: 50257,
    maxSeqLen: 1024,
    dModel: 8,
    numLayers: 2,
    numHeads: 12,
    dFF: 32,
    activation: "relu",
    bias: true,
    layerNormEpsilon: 1e-5,
    tieHead: true,
    scaleScores: true,
    scaleScoresByLayer: true,
    embeddingDropout: 0.1,
    attentionDropout: 0.1,
    residualDropout: 0.1,
    initStd: 0.02,
  });
});

test("names what it does not know", () => {
  expect(() => configFromHuggingFace({ model_type: "gpt2", rope_theta: 1 })).toThrow(
    "keys that gpt2 does not know, expected only known ones, got rope_theta: 1",
  );
  expect(() => configFromHuggingFace({})).toThrow(
    `unknown model_type, expected one of ${Object.keys(families).sort().join(", ")}, got undefined`,
  );
});

test("takes the other names of Python's attribute map, and refuses two that differ", () => {
  const config = configFromHuggingFace({
    model_type: "gpt2",
    hidden_size: 8,
    num_attention_heads: 2,
    num_hidden_layers: 3,
    max_position_embeddings: 9,
  });
  expect(config).toMatchObject({ dModel: 8, numHeads: 2, numLayers: 3, maxSeqLen: 9 });
  expect(() =>
    configFromHuggingFace({ model_type: "gpt2", n_embd: 8, hidden_size: 9 }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: loadPretrained: config.json has an unsupported hidden_size for gpt2, expected what n_embd says, 8, got 9]`,
  );
  expect(() => configFromHuggingFace({ model_type: "gpt2", n_embd: null })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: loadPretrained: config.json has an unsupported n_embd for gpt2, expected a whole number >= 1, got null]`,
  );
  expect(() => configFromHuggingFace({ model_type: "gpt2", hidden_size: "8" })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: loadPretrained: config.json has an unsupported hidden_size for gpt2, expected a whole number >= 1, got "8"]`,
  );
});
