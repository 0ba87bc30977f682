import { type JsonObject, memoryFileStore, readWeights } from "@heed/checkpoints";
import { stateDict } from "@heed/nn";
import { assign, dataSync, fromArray, referenceBackend, rng, useBackend } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import {
  configFromHuggingFace,
  type Decoder,
  type LlamaConfig,
  llama,
  loadPretrained,
  modelFromHuggingFace,
  type Pretrained,
  savePretrained,
} from "../../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

const read = (json: JsonObject): LlamaConfig => configFromHuggingFace(json) as LlamaConfig;
const sizes = { vocab_size: 13, hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 24 };
const usual = { ...sizes, num_key_value_heads: 2, max_position_embeddings: 12 };
const gemma = { model_type: "gemma", ...usual, num_key_value_heads: 1, head_dim: 6 };
const qwen3 = { model_type: "qwen3", ...usual, head_dim: 6 };

/** Every structure that these families can have. */
const folders: Readonly<Record<string, JsonObject>> = {
  llama: { model_type: "llama", ...usual },
  "llama, biases, heads of their own width": {
    ...{ model_type: "llama", ...usual, head_dim: 6, attention_bias: true, mlp_bias: true, tie_word_embeddings: true },
    rope_scaling: { rope_type: "yarn", factor: 2, beta_fast: 16 },
  },
  gemma,
  "gemma, biases, a head of its own": {
    ...{ ...gemma, attention_bias: true, tie_word_embeddings: false, num_key_value_heads: 4, hidden_act: "gelu" },
    rope_theta: 500,
  },
  mistral: { model_type: "mistral", ...usual, sliding_window: 3 },
  qwen2: { model_type: "qwen2", ...usual, use_sliding_window: true, sliding_window: 3, max_window_layers: 1 },
  qwen3,
  "qwen3, biases, tied, a window": {
    ...{ ...qwen3, attention_bias: true, tie_word_embeddings: true, num_key_value_heads: null, hidden_act: "gelu" },
    ...{ use_sliding_window: true, sliding_window: 3, layer_types: ["full_attention", "sliding_attention"] },
    rope_parameters: { rope_type: "linear", factor: 2, rope_theta: 500 },
  },
};
const classNames: Readonly<Record<string, string>> = {
  ...{ llama: "Llama", gemma: "Gemma", mistral: "Mistral", qwen2: "Qwen2", qwen3: "Qwen3" },
};

describe.each(Object.entries(folders))("%s", (_, json) => {
  const className = classNames[String(json["model_type"])]!;

  test("written and loaded again it is the same model", async () => {
    const store = memoryFileStore();
    const made = modelFromHuggingFace(json, rng(1));
    await savePretrained(store, "out", made);
    const again = await loadPretrained(store, "out");
    expect(again.config).toEqual(made.config);
    expect(again.architecture).toBe(`${className}ForCausalLM`);
    const [first, second] = [stateDict(made.model), stateDict(again.model)];
    expect([...second.keys()]).toEqual([...first.keys()]);
    for (const [name, tensor] of first) expect(dataSync(second.get(name)!), name).toEqual(dataSync(tensor));
  });

  test("the model without its head opens from the same folder", async () => {
    const store = memoryFileStore();
    const made = modelFromHuggingFace(json, rng(1));
    await savePretrained(store, "out", made);
    const { model } = await loadPretrained(store, "out", { architecture: `${className}Model` });
    const tokens = fromArray(Int32Array.of(1, 2, 3), [1, 3]);
    expect(dataSync((model as Decoder).encode(tokens))).toEqual(dataSync((made.model as Decoder).encode(tokens)));
    expect([...stateDict(model).keys()].filter((name) => name.startsWith("head"))).toEqual([]);
  });

  test("its classifier keeps its labels and its padding", async () => {
    for (const pad_token_id of [3, 0, null]) {
      const store = memoryFileStore();
      const architecture = `${className}ForSequenceClassification`;
      const made = modelFromHuggingFace(
        { ...json, architectures: [architecture], num_labels: 3, pad_token_id },
        rng(1),
      );
      await savePretrained(store, "out", made);
      const again = await loadPretrained(store, "out");
      expect(again.architecture).toBe(architecture);
      expect(again.config).toEqual(made.config);
      expect(again.config).toMatchObject({
        classes: { numLabels: 3, ...(pad_token_id !== null && { padTokenId: pad_token_id }) },
      });
    }
  });
});

test("gains of Gemma stand in files as they are, less 1", async () => {
  const store = memoryFileStore();
  const made = modelFromHuggingFace(gemma, rng(1));
  const gain = stateDict(made.model).get("stack.blocks.1.norm2.gain")!;
  expect([...dataSync(gain)]).toEqual(Array(16).fill(0));
  // So near 0 that 1 would swallow them.
  const values = Float32Array.from({ length: 16 }, (_, i) => (i - 8) * 1e-9);
  assign(gain, fromArray(values, [16]));
  await savePretrained(store, "out", made);
  expect((await readWeights(store, "out")).get("model.layers.1.post_attention_layernorm.weight")!.values).toEqual(
    values,
  );
});

describe("configurations", () => {
  test("absent keys mean what they mean in the original", () => {
    expect(read({ model_type: "qwen3" })).toEqual({
      ...{ vocabSize: 151936, maxSeqLen: 32768, dModel: 4096, numLayers: 32, numHeads: 32, numKvHeads: 32, dHead: 128 },
      ...{ dFF: 22016, activation: "silu", rotary: { base: 10000 }, rmsNormEpsilon: 1e-6, tieHead: false },
      ...{ headNorm: true, attentionBias: false, attentionDropout: 0, initStd: 0.02 },
    });
    expect(read({ model_type: "gemma" })).toEqual({
      ...{ vocabSize: 256000, maxSeqLen: 8192, dModel: 3072, numLayers: 28, numHeads: 16, numKvHeads: 16, dHead: 256 },
      ...{ dFF: 24576, activation: "gelu_pytorch_tanh", rotary: { base: 10000 }, rmsNormEpsilon: 1e-6, tieHead: true },
      ...{ gainsLessOne: true, scaleEmbedding: true, attentionBias: false, attentionDropout: 0, initStd: 0.02 },
    });
    expect(read({ model_type: "gemma", architectures: ["GemmaForSequenceClassification"] })).toMatchObject({
      classes: { numLabels: 2, padTokenId: 0 },
    });
  });

  test("Gemma's gate is the tanh form where the old key says gelu, as it was trained, and what the new key says", () => {
    const gate = (json: JsonObject): unknown => read({ ...gemma, ...json }).activation;
    const trained: JsonObject[] = [
      {},
      { hidden_act: "gelu" },
      { hidden_act: "gelu", hidden_activation: null },
      { hidden_act: "gelu", hidden_activation: "gelu_pytorch_tanh" },
      { hidden_activation: "gelu_pytorch_tanh" },
    ];
    for (const json of trained) expect(gate(json), JSON.stringify(json)).toBe("gelu_pytorch_tanh");
    expect(gate({ hidden_act: "gelu", hidden_activation: "gelu" })).toBe("gelu");
    expect(gate({ hidden_act: "silu" })).toBe("silu");
  });

  test("no key heads are as many as heads, wherever their absence means another number", () => {
    const heads = { num_attention_heads: 4, hidden_size: 16, num_key_value_heads: null };
    for (const model_type of ["llama", "mistral", "qwen2", "qwen3"])
      expect(read({ model_type, ...heads }).numKvHeads, model_type).toBe(4);
    expect(read({ model_type: "mistral" }).numKvHeads).toBe(8);
  });

  test("what is not understood is refused by name", () => {
    const messageOf = (json: JsonObject): string => {
      try {
        read(json);
        return "read";
      } catch (error) {
        return String(error).replace("RangeError: loadPretrained: config.json has ", "");
      }
    };
    expect(
      [
        { ...qwen3, head_dim: null },
        { ...qwen3, mlp_bias: true },
        { ...qwen3, partial_rotary_factor: 0.5 },
        { ...qwen3, layer_types: ["chunked_attention", "full_attention"] },
        { ...qwen3, num_experts: 4 },
        { ...gemma, use_bidirectional_attention: true },
        { ...gemma, hidden_act: "silu", hidden_activation: "gelu_pytorch_tanh" },
        { ...gemma, hidden_activation: "relu" },
        { ...gemma, head_dim: null },
        { ...gemma, sliding_window: 4 },
        { ...gemma, attn_logit_softcapping: 50 },
      ].map((json) => messageOf(json)),
    ).toMatchInlineSnapshot(`
      [
        "an unsupported head_dim for qwen3, expected a whole number >= 1, got null",
        "keys that qwen3 does not know, expected only known ones, got mlp_bias: true. Remove them if they change nothing",
        "keys that qwen3 does not know, expected only known ones, got partial_rotary_factor: 0.5. Remove them if they change nothing",
        "an unsupported layer_types for qwen3, expected full_attention layers, then sliding_attention layers, got ["chunked_attention","full_attention"]",
        "keys that qwen3 does not know, expected only known ones, got num_experts: 4. Remove them if they change nothing",
        "an unsupported use_bidirectional_attention for gemma, expected null or false, got true",
        "an unsupported hidden_activation for gemma, expected what hidden_act says, "silu", got "gelu_pytorch_tanh"",
        "an unsupported hidden_activation for gemma, expected what hidden_act says, "gelu_pytorch_tanh", got "relu"",
        "an unsupported head_dim for gemma, expected a whole number >= 1, got null",
        "keys that gemma does not know, expected only known ones, got sliding_window: 4. Remove them if they change nothing",
        "keys that gemma does not know, expected only known ones, got attn_logit_softcapping: 50. Remove them if they change nothing",
      ]
    `);
  });
});

test("what a family cannot say is refused before anything is written", async () => {
  const tiny: LlamaConfig = { vocabSize: 11, maxSeqLen: 8, dModel: 8, numLayers: 1, numHeads: 2, dFF: 12 };
  const store = memoryFileStore();
  const save = async (modelType: string, config: LlamaConfig): Promise<string> => {
    const pretrained = { modelType, config, model: llama(config, rng(0)) } as unknown as Pretrained;
    return savePretrained(store, "out", pretrained).then(() => "written", String);
  };
  const qwen: LlamaConfig = { ...tiny, headNorm: true, dHead: 6 };
  const scaled: LlamaConfig = { ...tiny, gainsLessOne: true, scaleEmbedding: true };
  expect([await save("llama", tiny), await save("qwen3", qwen), await save("gemma", scaled)]).toEqual([
    "written",
    "written",
    "written",
  ]);
  await store.remove("out/config.json");
  expect([
    await save("llama", qwen),
    await save("llama", { ...tiny, windowSize: 4 }),
    await save("llama", { ...tiny, attentionBias: true, outputBias: false }),
    await save("llama", { ...tiny, rotary: { layout: "interleaved" } }),
    await save("mistral", { ...tiny, windowSize: 4, firstWindowLayer: 1 }),
    await save("qwen2", tiny),
    await save("qwen3", tiny),
    await save("llama", { ...tiny, gainsLessOne: true }),
    await save("llama", { ...tiny, scaleEmbedding: true }),
    await save("gemma", tiny),
    await save("gemma", { ...scaled, headNorm: true }),
    await save("qwen3", { ...qwen, feedForwardBias: true }),
  ]).toMatchInlineSnapshot(`
    [
      "RangeError: savePretrained: config.headNorm cannot be written as llama, expected false, got true. Save it as a family that has it",
      "RangeError: savePretrained: config.windowSize cannot be written as llama, expected null, got 4. Save it as a family that has it",
      "RangeError: savePretrained: config.outputBias cannot be written as llama, expected true, got false. Save it as a family that has it",
      "RangeError: savePretrained: config.rotary cannot be written as llama, expected {"base":10000,"layout":"half-split","scaling":null,"width":4}, got {"base":10000,"layout":"interleaved","scaling":null,"width":4}. Save it as a family that has it",
      "RangeError: savePretrained: config.firstWindowLayer cannot be written as mistral, expected 0, got 1. Save it as a family that has it",
      "RangeError: savePretrained: config.attentionBias cannot be written as qwen2, expected true, got false. Save it as a family that has it",
      "RangeError: savePretrained: config.headNorm cannot be written as qwen3, expected true, got false. Save it as a family that has it",
      "RangeError: savePretrained: config.gainsLessOne cannot be written as llama, expected false, got true. Save it as a family that has it",
      "RangeError: savePretrained: config.scaleEmbedding cannot be written as llama, expected false, got true. Save it as a family that has it",
      "RangeError: savePretrained: config.gainsLessOne cannot be written as gemma, expected true, got false. Save it as a family that has it",
      "RangeError: savePretrained: config.headNorm cannot be written as gemma, expected false, got true. Save it as a family that has it",
      "RangeError: savePretrained: config.feedForwardBias cannot be written as qwen3, expected false, got true. Save it as a family that has it",
    ]
  `);
  expect(await store.size("out/config.json")).toBeNull();
});
