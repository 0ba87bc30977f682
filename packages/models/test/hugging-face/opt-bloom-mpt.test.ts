import { type Json, type JsonObject, memoryFileStore } from "@heed/checkpoints";
import { stateDict } from "@heed/nn";
import { dataSync, fromArray, referenceBackend, rng, useBackend } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import {
  configFromHuggingFace,
  type Decoder,
  loadPretrained,
  modelFromHuggingFace,
  savePretrained,
} from "../../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

const messageOf = (json: JsonObject): string => {
  try {
    configFromHuggingFace(json);
  } catch (error) {
    return (error as Error).message.replace("loadPretrained: config.json has ", "");
  }
  return "accepted";
};

test("what would change the result and is not computed is refused by name", () => {
  const inMpt = (key: string, value: Json): JsonObject => ({ model_type: "mpt", attn_config: { [key]: value } });
  const refused: JsonObject[] = [
    { model_type: "opt", layerdrop: 0.1 },
    { model_type: "opt", do_layer_norm_before: 1 },
    { model_type: "opt", activation_function: "relu9" },
    { model_type: "opt", rotary_dim: 4 },
    { model_type: "bloom", pretraining_tp: 2, slow_but_exact: true },
    { model_type: "bloom", n_embed: 32, hidden_size: 64 },
    { model_type: "bloom", alibi: false },
    { model_type: "mpt", no_bias: false },
    { model_type: "mpt", expansion_ratio: 2 },
    { model_type: "mpt", logit_scale: 2 },
    { model_type: "mpt", embedding_fraction: 0.5 },
    inMpt("alibi", false),
    inMpt("alibi_bias_max", 4),
    inMpt("prefix_lm", true),
    inMpt("qk_ln", true),
    inMpt("attn_uses_sequence_id", true),
    inMpt("attn_type", "multiquery_attention"),
    inMpt("clip_qkv", -1),
    inMpt("rope", true),
    { model_type: "imagegpt", add_cross_attention: true },
    { model_type: "imagegpt", n_clusters: 512 },
  ];
  expect(refused.map(messageOf)).toMatchInlineSnapshot(`
    [
      "an unsupported layerdrop for opt, expected 0, got 0.1",
      "an unsupported do_layer_norm_before for opt, expected true or false, got 1",
      "an unsupported activation_function for opt, expected one of gelu, gelu_python, gelu_new, gelu_fast, gelu_accurate, gelu_pytorch_tanh, quick_gelu, leaky_relu, linear, mish, relu, relu2, relu6, silu, swish, sigmoid, tanh, got "relu9"",
      "keys that opt does not know, expected only known ones, got rotary_dim: 4. Remove them if they change nothing",
      "an unsupported slow_but_exact for bloom, expected false, got true",
      "an unsupported n_embed for bloom, expected what hidden_size says, 64, got 32",
      "keys that bloom does not know, expected only known ones, got alibi: false. Remove them if they change nothing",
      "an unsupported no_bias for mpt, expected true, got false",
      "an unsupported expansion_ratio for mpt, expected 4, got 2",
      "an unsupported logit_scale for mpt, expected null, got 2",
      "an unsupported embedding_fraction for mpt, expected 1, got 0.5",
      "an unsupported alibi for mpt's attn_config, expected true, got false",
      "an unsupported alibi_bias_max for mpt's attn_config, expected 8, got 4",
      "an unsupported prefix_lm for mpt's attn_config, expected false, got true",
      "an unsupported qk_ln for mpt's attn_config, expected false, got true",
      "an unsupported attn_uses_sequence_id for mpt's attn_config, expected false, got true",
      "an unsupported attn_type for mpt's attn_config, expected "multihead_attention", got "multiquery_attention"",
      "an unsupported clip_qkv for mpt's attn_config, expected a number in [0, Infinity), got -1",
      "keys that mpt's attn_config does not know, expected only known ones, got rope: true. Remove them if they change nothing",
      "an unsupported add_cross_attention for imagegpt, expected false, got true",
      "keys that imagegpt does not know, expected only known ones, got n_clusters: 512. Remove them if they change nothing",
    ]
  `);
  const accepted: JsonObject[] = [
    { model_type: "bloom", pretraining_tp: 4, slow_but_exact: false, seq_length: 2048, offset_alibi: 100 },
    {
      model_type: "mpt",
      attn_config: { model_type: "", clip_qkv: 6, softmax_scale: 0.1 },
      norm_type: "low_precision_layernorm",
    },
    { model_type: "opt", word_embed_proj_dim: 512, hidden_size: 1024, pad_token_id: null },
  ];
  expect(accepted.map(messageOf)).toEqual(["accepted", "accepted", "accepted"]);
});

const opt = {
  model_type: "opt",
  vocab_size: 13,
  hidden_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  ffn_dim: 12,
  max_position_embeddings: 9,
};
const bloom = { model_type: "bloom", vocab_size: 13, hidden_size: 8, n_layer: 2, n_head: 2, seq_length: 9 };
const mpt = { model_type: "mpt", vocab_size: 13, d_model: 8, n_layers: 2, n_heads: 2, max_seq_len: 9 };
const imageGpt = { model_type: "imagegpt", vocab_size: 13, n_embd: 12, n_layer: 2, n_head: 2, n_positions: 9 };
const variants: Readonly<Record<string, JsonObject>> = {
  opt,
  "opt with norms behind and narrow embeddings": { ...opt, do_layer_norm_before: false, word_embed_proj_dim: 4 },
  "opt without biases": { ...opt, enable_bias: false, layer_norm_elementwise_affine: false, pad_token_id: null },
  "opt without its last norm": { ...opt, _remove_final_layer_norm: true, tie_word_embeddings: false },
  "opt classifier": { ...opt, architectures: ["OPTForSequenceClassification"], num_labels: 3, word_embed_proj_dim: 4 },
  bloom,
  "bloom with norms on the stream": { ...bloom, apply_residual_connection_post_layernorm: true, n_head: 4 },
  "bloom classifier": { ...bloom, architectures: ["BloomForSequenceClassification"], pad_token_id: 3 },
  mpt,
  "mpt, clipped and scaled": { ...mpt, attn_config: { clip_qkv: 0.5, softmax_scale: 0.2, attn_pdrop: 0.1 } },
  imagegpt: imageGpt,
  "imagegpt, scaled exactly": { ...imageGpt, reorder_and_upcast_attn: true, scale_attn_by_inverse_layer_idx: true },
  "imagegpt, not scaled": { ...imageGpt, scale_attn_weights: false, n_inner: 7, tie_word_embeddings: true },
  "imagegpt classifier": { ...imageGpt, architectures: ["ImageGPTForImageClassification"], num_labels: 1 },
};

describe("a model made from a configuration, saved and opened again", () => {
  test.each(Object.entries(variants))("%s", async (_, json) => {
    const store = memoryFileStore();
    const made = modelFromHuggingFace(json, rng(5));
    await savePretrained(store, "out", made);
    const again = await loadPretrained(store, "out");
    expect(again.config).toEqual(made.config);
    expect(again.architecture).toBe(made.architecture);
    const [first, second] = [stateDict(made.model), stateDict(again.model)];
    expect([...second.keys()]).toEqual([...first.keys()]);
    for (const [name, weight] of first) expect(dataSync(second.get(name)!), name).toEqual(dataSync(weight));
    const run = ({ model }: typeof made): number[] => [
      ...dataSync((model as Decoder).forward(fromArray(Int32Array.of(1, 4, 12, 0), [1, 4]))),
    ];
    expect(run(again)).toEqual(run(made));
  });

  test("options change what is computed", () => {
    const logits = (json: JsonObject): number[] => {
      const { model } = modelFromHuggingFace({ ...json, initializer_range: 0.5 }, rng(6));
      return [...dataSync((model as Decoder).forward(fromArray(Int32Array.of(1, 4, 12, 0), [1, 4])))];
    };
    const differ = (json: JsonObject, change: JsonObject): void =>
      expect(logits({ ...json, ...change }), JSON.stringify(change)).not.toEqual(logits(json));
    differ(bloom, { apply_residual_connection_post_layernorm: true });
    differ(mpt, { attn_config: { clip_qkv: 0.5 } });
    differ(mpt, { attn_config: { softmax_scale: 0.9 } });
    differ(imageGpt, { reorder_and_upcast_attn: true });
    differ(imageGpt, { scale_attn_by_inverse_layer_idx: true });
  });

  test("image GPT divides by the whole part of the root of the head width, as the original does", () => {
    const scaleOf = (change: JsonObject) =>
      (configFromHuggingFace({ ...imageGpt, ...change }) as { readonly scale?: number }).scale;
    expect(scaleOf({})).toBe(1 / 2);
    expect(scaleOf({ n_embd: 32 })).toBeUndefined();
    expect(scaleOf({ reorder_and_upcast_attn: true })).toBeUndefined();
    expect(scaleOf({ scale_attn_weights: false })).toBe(1);
  });
});
