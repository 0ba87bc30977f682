import { parameters, stateDict } from "@heed/nn";
import {
  add,
  assign,
  createWasmBackend,
  dataSync,
  fromArray,
  normal,
  referenceBackend,
  rng,
  type Tensor,
  useBackend,
} from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { configFromHuggingFace, type LlamaConfig, type LlamaPresetName, llama, llamaPresets } from "../src/index.ts";
import { type ModelTraits, modelContract, traceModel } from "../src/testing.ts";
import { naiveLogits } from "./naive-decoder.ts";

const tiny: LlamaConfig = {
  ...{ vocabSize: 11, maxSeqLen: 12, dModel: 16, numLayers: 2, numHeads: 4, numKvHeads: 2, dFF: 24 },
};

/** Counted on the published checkpoints; those of Qwen3 and Gemma by transformers, from their configurations. */
const published: Record<LlamaPresetName, number> = {
  "tinyllama-1.1b": 1_100_048_384,
  "llama-2-7b": 6_738_415_616,
  "llama-3-8b": 8_030_261_248,
  "llama-3.2-1b": 1_235_814_400,
  "mistral-7b": 7_241_732_096,
  "qwen2-0.5b": 494_032_768,
  "qwen3-0.6b": 596_049_920,
  "gemma-2b": 2_506_172_416,
  "gemma-7b": 8_537_680_896,
};

const traits: ModelTraits = {
  make: (source) => llama({ ...tiny, attentionDropout: 0.1 }, source),
  vocabSize: tiny.vocabSize,
  maxSeqLen: tiny.maxSeqLen,
  presets: Object.fromEntries(
    Object.entries(llamaPresets).map(([name, config]) => [
      name,
      { build: () => llama(config, rng(0)), numParameters: published[name as LlamaPresetName] },
    ]),
  ),
};

const backends = { reference: referenceBackend, wasm: () => createWasmBackend() ?? referenceBackend() };
for (const [name, make] of Object.entries(backends)) {
  describe(`contract on ${name}`, () => {
    beforeEach(() => void useBackend(make()));
    for (const { name, run } of modelContract(traits)) test(name, run);
  });
}

describe("llama", () => {
  beforeEach(() => void useBackend(referenceBackend()));

  const ids = (...values: number[]): Tensor => fromArray(Int32Array.from(values), [1, values.length]);
  const last = (config: LlamaConfig, ...values: number[]): number[] => {
    const logits = llama({ ...config, initStd: 0.3 }, rng(1)).forward(ids(...values), { lastOnly: true });
    return [...dataSync(logits)];
  };

  test("the kernels of a forward and backward pass stay what they are", () => {
    expect(traceModel(traits).join("\n")).toMatchSnapshot();
  });

  test("a window hides what is further away, layer after layer", () => {
    // Two layers that see two tokens each: the last token hears of the two before it, not of the first.
    const config = { ...tiny, windowSize: 2 };
    expect(last(config, 1, 2, 3, 4)).toEqual(last(config, 9, 2, 3, 4));
    expect(last(config, 1, 2, 3, 4)).not.toEqual(last(config, 1, 9, 3, 4));
    // With the window in the second layer only, the first token reaches the last through its neighbor.
    const later = { ...config, firstWindowLayer: 1 };
    expect(last(later, 1, 2, 3, 4)).not.toEqual(last(later, 9, 2, 3, 4));
  });

  const silu = (x: number): number => x / (1 + Math.exp(-x));
  /** channel i with channel i + 3, in a head of 6 */
  const halves = (x: readonly number[], position: number): number[] =>
    x.map((value, i) => {
      const angle = position * 10000 ** ((-2 * (i % 3)) / 6);
      return value * Math.cos(angle) + x[(i + 3) % 6]! * Math.sin(angle) * (i < 3 ? -1 : 1);
    });
  const manners: Readonly<Record<string, Partial<LlamaConfig>>> = {
    Llama: { numKvHeads: 4 },
    Mistral: { windowSize: 2 },
    Qwen3: { headNorm: true, numKvHeads: 1, attentionBias: true, tieHead: true },
    Gemma: { numKvHeads: 1, gainsLessOne: true, scaleEmbedding: true, activation: "relu", tieHead: true },
  };
  test.each(Object.entries(manners))("against a loop over numbers, in the manner of %s", (_, change) => {
    const config = { ...tiny, dHead: 6, rmsNormEpsilon: 0.01, ...change };
    const model = llama({ ...config, initStd: 0.4 }, rng(3));
    const source = rng(4);
    for (const weight of parameters(model))
      if (weight.shape.length === 1) assign(weight, add(weight, normal(weight.shape, { std: 0.3, rng: source })));
    const tokens = [1, 4, 10, 0, 7, 7, 2];
    const { numHeads, numKvHeads = numHeads, windowSize = null } = config;
    const expected = naiveLogits(model, tokens, {
      ...{ numHeads, numKvHeads, scale: 1 / Math.sqrt(6), epsilon: 0.01, order: "pre" },
      ...{ activation: config.activation === "relu" ? (x: number) => Math.max(0, x) : silu },
      ...{ gainOffset: config.gainsLessOne ? 1 : 0, embeddingScale: config.scaleEmbedding ? 4 : 1 },
      ...{ rotate: halves, windows: [windowSize, windowSize] },
    }).flat();
    const logits = [...dataSync(model.forward(ids(...tokens)))];
    expect(logits.length).toBe(expected.length);
    expect(Math.max(...logits.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(2e-5);
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.5);
  });

  test("each option makes its weights", () => {
    const names = (change: Partial<LlamaConfig>): string[] =>
      [...stateDict(llama({ ...tiny, numLayers: 1, ...change }, rng(0))).keys()].filter((name) =>
        /bias|head/.test(name),
      );
    expect(names({})).toEqual(["head.weight"]);
    expect(names({ tieHead: true, attentionBias: true, outputBias: false })).toEqual(
      ["query", "key", "value"].map((part) => `stack.blocks.0.attention.projection.${part}.bias`),
    );
    expect(names({ feedForwardBias: true }).length).toBe(4);
    expect(names({ attentionBias: true }).length).toBe(5);
    const gains = [...stateDict(llama({ ...tiny, headNorm: true }, null)).keys()].filter((name) =>
      /n\.\w+\.gain/.test(name),
    );
    expect(gains.slice(0, 2)).toEqual(
      ["query", "key"].map((part) => `stack.blocks.0.attention.projection.${part}.gain`),
    );
  });

  test("options that do not fit are refused", () => {
    const messageOf = (change: object): string => {
      try {
        llama({ ...tiny, ...change }, null);
        return "built";
      } catch (error) {
        return String(error);
      }
    };
    expect(
      [
        ...[{ numHeads: 3 }, { dHead: 3 }, { numKvHeads: 3 }, { windowSize: 0 }, { dFF: undefined }],
        ...[{ activation: "gelu3" }, { attentionBias: 1 }, { numExperts: 8 }, { rotary: { base: 1 } }],
      ].map(messageOf),
    ).toMatchInlineSnapshot(`
      [
        "RangeError: llama: numHeads does not divide the width, expected a divisor of dModel=16, got 3. Give dHead to choose another head width",
        "RangeError: llama: dHead is odd, expected an even number, got 3. Rotary channels turn in pairs",
        "RangeError: llama: numKvHeads is wrong, expected a divisor of numHeads=4, got 3",
        "RangeError: llama: windowSize is out of range, expected a whole number >= 1, got 0",
        "RangeError: llama: dFF is out of range, expected a whole number >= 1, got undefined",
        "RangeError: llama: activation is out of range, expected one of gelu, gelu_python, gelu_new, gelu_fast, gelu_accurate, gelu_pytorch_tanh, quick_gelu, leaky_relu, linear, mish, relu, relu2, relu6, silu, swish, sigmoid, tanh, got gelu3",
        "RangeError: llama: attentionBias is out of range, expected true or false, got 1",
        "RangeError: llama: config has an unknown key, expected one of vocabSize, maxSeqLen, dModel, numLayers, numHeads, dFF, numKvHeads, dHead, windowSize, firstWindowLayer, attentionDropout, rmsNormEpsilon, initStd, gainsLessOne, scaleEmbedding, headNorm, attentionBias, outputBias, feedForwardBias, tieHead, activation, got numExperts",
        "RangeError: rotary: base is out of range, expected a finite number > 1, got 1",
      ]
    `);
    expect(messageOf({ dHead: 6 })).toBe("built");
  });
});

describe("configurations", () => {
  const read = (json: object) => configFromHuggingFace({ model_type: "llama", ...json } as never);
  const messageOf = (json: object): string => {
    try {
      read(json);
      return "read";
    } catch (error) {
      return String(error);
    }
  };

  test("scalings of rotary positions, in old and new spelling", () => {
    const rotary = (json: object): unknown => (read(json) as LlamaConfig).rotary;
    expect(rotary({ rope_theta: 500, rope_scaling: { type: "linear", factor: 2 } })).toEqual({
      base: 500,
      scaling: { kind: "linear", factor: 2 },
    });
    expect(rotary({ rope_parameters: { rope_type: "default", rope_theta: 500 } })).toEqual({ base: 500 });
    expect(rotary({ rope_scaling: { rope_type: "dynamic", factor: 2 } })).toEqual({ base: 10000 });
    const yarn = { rope_type: "yarn", factor: 4, beta_fast: 16, attention_factor: 1.5 };
    expect(rotary({ max_position_embeddings: 64, rope_scaling: yarn })).toEqual({
      base: 10000,
      scaling: { kind: "yarn", factor: 4, originalMaxSeqLen: 64, fastTurns: 16, magnitude: 1.5 },
    });
  });

  test("what is not understood is refused by name", () => {
    expect(
      [
        { rope_scaling: { rope_type: "longrope", factor: 2 } },
        { rope_scaling: { rope_type: "linear" } },
        { rope_scaling: { rope_type: "linear", factor: 2, mscale: 1 } },
        { rope_scaling: 2 },
        { partial_rotary_factor: 0.5 },
        { sliding_window: 4 },
        { hidden_act: "xielu" },
        { num_key_value_heads: 0 },
      ].map(messageOf),
    ).toMatchInlineSnapshot(`
      [
        "RangeError: loadPretrained: config.json has an unsupported rope_scaling for llama, expected null or a rope_type of default, linear, dynamic, yarn, llama3, got {"rope_type":"longrope","factor":2}",
        "RangeError: loadPretrained: config.json has an unsupported rope_scaling for llama, expected a number > 0 as its factor, got {"rope_type":"linear"}",
        "RangeError: loadPretrained: config.json has an unsupported rope_scaling for llama, expected only factor, rope_type, type, rope_theta in it, got {"rope_type":"linear","factor":2,"mscale":1}",
        "RangeError: loadPretrained: config.json has an unsupported rope_scaling for llama, expected null or an object, got 2",
        "RangeError: loadPretrained: config.json has keys that llama does not know, expected only known ones, got partial_rotary_factor: 0.5. Remove them if they change nothing",
        "RangeError: loadPretrained: config.json has keys that llama does not know, expected only known ones, got sliding_window: 4. Remove them if they change nothing",
        "RangeError: loadPretrained: config.json has an unsupported hidden_act for llama, expected one of gelu, gelu_python, gelu_new, gelu_fast, gelu_accurate, gelu_pytorch_tanh, quick_gelu, leaky_relu, linear, mish, relu, relu2, relu6, silu, swish, sigmoid, tanh, got "xielu"",
        "RangeError: loadPretrained: config.json has an unsupported num_key_value_heads for llama, expected a whole number >= 1, got 0",
      ]
    `);
  });

  test.each(["qwen2", "qwen3"])("the window of %s begins at a layer", (model_type) => {
    const qwen = (json: object) => read({ model_type, sliding_window: 4, ...json }) as LlamaConfig;
    expect(qwen({}).windowSize).toBeUndefined();
    expect(qwen({ use_sliding_window: true, max_window_layers: 1 })).toMatchObject({
      windowSize: 4,
      firstWindowLayer: 1,
    });
    const types = ["full_attention", "full_attention", "sliding_attention"];
    expect(qwen({ use_sliding_window: true, layer_types: types })).toMatchObject({
      windowSize: 4,
      firstWindowLayer: 2,
    });
    const refused = (json: object): string => messageOf({ model_type, ...json }).replace(model_type, "it");
    expect(refused({ use_sliding_window: true, layer_types: [...types, "full_attention"] })).toMatchInlineSnapshot(
      `"RangeError: loadPretrained: config.json has an unsupported layer_types for it, expected full_attention layers, then sliding_attention layers, got ["full_attention","full_attention","sliding_attention","full_attention"]"`,
    );
    expect(refused({ layer_types: types })).toMatchInlineSnapshot(
      `"RangeError: loadPretrained: config.json has an unsupported layer_types for it, expected full_attention layers, where no sliding window is used, got ["full_attention","full_attention","sliding_attention"]"`,
    );
  });
});
