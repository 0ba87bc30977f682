import { type JsonObject, memoryFileStore, readWeights } from "@heed/checkpoints";
import { stateDict } from "@heed/nn";
import { assign, dataSync, fromArray, referenceBackend, rng, useBackend } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { rotaryShare } from "../../src/hugging-face/rotary.ts";
import {
  configFromHuggingFace,
  type Decoder,
  type DecoderConfig,
  decoderModel,
  loadPretrained,
  modelFromHuggingFace,
  type Pretrained,
  savePretrained,
} from "../../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

const read = (json: JsonObject): DecoderConfig => configFromHuggingFace(json) as DecoderConfig;
const messageOf = (run: () => unknown): string => {
  try {
    run();
    return "read";
  } catch (error) {
    return String(error);
  }
};

const usual = { vocab_size: 13, hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4 };
const neo = {
  ...{ model_type: "gpt_neo", vocab_size: 13, hidden_size: 16, num_layers: 2, num_heads: 4, window_size: 3 },
  max_position_embeddings: 12,
};
const neox = { model_type: "gpt_neox", ...usual, intermediate_size: 24, max_position_embeddings: 12, rotary_pct: 0.5 };
const gptj = {
  ...{ model_type: "gptj", vocab_size: 13, n_embd: 16, n_layer: 2, n_head: 4, n_inner: 24, n_positions: 12 },
  rotary_dim: 2,
};
const phi = { model_type: "phi", ...usual, intermediate_size: 24, max_position_embeddings: 12 };
const falcon = { model_type: "falcon", ...usual, ffn_hidden_size: 24, max_position_embeddings: 12 };
const gpt = { model_type: "openai-gpt", vocab_size: 13, n_embd: 16, n_layer: 2, n_head: 4, n_positions: 12 };

/** Every structure that these families can have. */
const folders: Readonly<Record<string, JsonObject>> = {
  "gpt-neo": neo,
  "gpt-neo, untied, other layers": {
    ...{ ...neo, tie_word_embeddings: false, attention_types: [[["local"], 2]], layer_norm_epsilon: 0.1 },
  },
  "gpt-neox": neox,
  "gpt-neox, one after the other, tied": {
    ...{ ...neox, use_parallel_residual: false, attention_bias: false, tie_word_embeddings: true },
    rope_scaling: { type: "linear", factor: 2 },
  },
  gptj,
  "gptj, tied, whole heads turn": { ...gptj, tie_word_embeddings: true, rotary_dim: 4, n_inner: null },
  phi,
  "phi, tied, shared key heads, norms of heads": {
    ...{ ...phi, tie_word_embeddings: true, num_key_value_heads: 2, qk_layernorm: true },
  },
  "falcon 7b": falcon,
  "falcon 40b": { ...falcon, new_decoder_architecture: true, num_kv_heads: 2 },
  "falcon 11b": { ...falcon, new_decoder_architecture: true, num_kv_heads: 2, num_ln_in_parallel_attn: 1, bias: true },
  "falcon rw": { ...falcon, alibi: true, multi_query: false, parallel_attn: false, bias: true, attention_dropout: 0.1 },
  "falcon, one key head, one after the other": { ...falcon, parallel_attn: false, tie_word_embeddings: false },
  gpt,
  "gpt, untied": { ...gpt, tie_word_embeddings: false, afn: "relu" },
};

describe.each(Object.entries(folders))("%s", (_, json) => {
  test("written and loaded again it is the same model", async () => {
    const store = memoryFileStore();
    const made = modelFromHuggingFace(json, rng(1));
    await savePretrained(store, "out", made);
    const again = await loadPretrained(store, "out");
    expect(again.config).toEqual(made.config);
    const [first, second] = [stateDict(made.model), stateDict(again.model)];
    expect([...second.keys()]).toEqual([...first.keys()]);
    for (const [name, tensor] of first) expect(dataSync(second.get(name)!), name).toEqual(dataSync(tensor));
  });

  test("the model without its head opens from the same folder", async () => {
    const store = memoryFileStore();
    const made = modelFromHuggingFace(json, rng(1));
    await savePretrained(store, "out", made);
    const bare = {
      "openai-gpt": "OpenAIGPTModel",
      gpt_neo: "GPTNeoModel",
      gpt_neox: "GPTNeoXModel",
      gptj: "GPTJModel",
    };
    const names: Readonly<Record<string, string>> = { ...bare, phi: "PhiModel", falcon: "FalconModel" };
    const { model } = await loadPretrained(store, "out", { architecture: names[String(json["model_type"])]! });
    const tokens = fromArray(Int32Array.of(1, 2, 3), [1, 3]);
    const [whole, part] = [made.model as Decoder, model as Decoder];
    expect(dataSync(part.encode(tokens))).toEqual(dataSync(whole.encode(tokens)));
    expect([...stateDict(model).keys()].filter((name) => name.startsWith("head"))).toEqual([]);
  });
});

test("rows of fused projections stand in files as their families group them", async () => {
  const rowsOf = async (json: JsonObject, name: string): Promise<number[]> => {
    const made = modelFromHuggingFace(json, null);
    const weight = stateDict(made.model).get("stack.blocks.0.attention.projection.qkv.weight")!;
    const [count, width] = weight.shape as [number, number];
    // Each row holds its own number.
    const numbered = Float32Array.from({ length: count * width }, (_, i) => Math.floor(i / width));
    assign(weight, fromArray(numbered, [count, width]));
    const store = memoryFileStore();
    await savePretrained(store, "out", made);
    const values = (await readWeights(store, "out")).get(name)!.values;
    return Array.from({ length: count }, (_, row) => Number(values[row * width]));
  };
  const small = { hidden_size: 8, num_attention_heads: 4, num_hidden_layers: 1 };
  // Heads are two wide: queries 0..7, then keys, then values.
  expect(
    await rowsOf({ ...neox, ...small, rotary_pct: 1 }, "gpt_neox.layers.0.attention.query_key_value.weight"),
  ).toEqual([...[0, 1, 8, 9, 16, 17, 2, 3, 10, 11, 18, 19], ...[4, 5, 12, 13, 20, 21, 6, 7, 14, 15, 22, 23]]);
  const fused = "transformer.h.0.self_attention.query_key_value.weight";
  const grouped = { ...folders["falcon 40b"], ...small } as JsonObject;
  expect(await rowsOf(grouped, fused)).toEqual([0, 1, 2, 3, 8, 9, 12, 13, 4, 5, 6, 7, 10, 11, 14, 15]);
  expect(await rowsOf({ ...falcon, ...small }, fused)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

describe("configurations", () => {
  test("absent keys mean what they mean in the original", () => {
    expect(read({ model_type: "gpt_neo" })).toMatchObject({ dModel: 2048, numLayers: 24, numHeads: 16, scale: 1 });
    expect(read({ model_type: "gpt_neox" })).toMatchObject({ dModel: 6144, numHeads: 64, positions: { width: 24 } });
    expect(read({ model_type: "gptj" })).toMatchObject({
      ...{ dModel: 4096, numLayers: 28, numHeads: 16, attentionBias: false, headBias: true, tieHead: false },
      positions: { kind: "rotary", layout: "interleaved", width: 64 },
    });
    expect(read({ model_type: "phi" })).toMatchObject({ dModel: 2048, positions: { width: 32 }, headBias: true });
    expect(read({ model_type: "falcon" })).toMatchObject({ dModel: 4544, numKvHeads: 1, branches: "parallel" });
    expect(read({ model_type: "openai-gpt" })).toMatchObject({ vocabSize: 40478, placement: "post", finalNorm: false });
  });

  test("keys of GPT-J's first files that say what is always so are read", () => {
    const first = { rotary: true, scale_attn_weights: true, summary_type: "cls_index", summary_first_dropout: 0.1 };
    expect(read({ ...gptj, ...first, gradient_checkpointing: false })).toEqual(read(gptj));
  });

  test("the first GPT calls the tanh approximation gelu", () => {
    expect(read(gpt).activation).toBe("gelu_new");
    expect(read({ ...gpt, afn: "swish" }).activation).toBe("swish");
  });

  test("GPT-Neo's layers see a window by turns", () => {
    expect(read(neo).windows).toEqual([null, 3]);
    const types = [
      [["local"], 1],
      [["global", "local"], 1],
    ] as const;
    expect(read({ ...neo, num_layers: 3, attention_types: types as never }).windows).toEqual([3, null, 3]);
  });

  test("rotary positions in old and new spelling", () => {
    expect(read({ ...neox, rotary_emb_base: 500 }).positions).toEqual({ kind: "rotary", base: 500, width: 2 });
    const parameters = { rope_type: "default", rope_theta: 500, partial_rotary_factor: 0.5 };
    expect(read({ ...neox, rotary_pct: 1, rope_parameters: parameters }).positions).toEqual({
      ...{ kind: "rotary", base: 500, width: 2 },
    });
    expect(read({ ...phi, partial_rotary_factor: 1, rope_theta: 20 }).positions).toEqual({
      ...{ kind: "rotary", base: 20, width: 4 },
    });
  });

  test("Falcon drops what the original drops", () => {
    const rates = { attention_dropout: 0.2, hidden_dropout: 0.1 };
    expect(read({ ...falcon, ...rates })).toMatchObject({ attentionDropout: 0, residualDropout: 0.1 });
    expect(read({ ...folders["falcon rw"]!, ...rates })).toMatchObject({
      ...{ attentionDropout: 0.2, residualDropout: 0.2, feedForwardDropout: 0.1 },
    });
  });

  test("what is not understood is refused by name", () => {
    expect(
      [
        { ...neo, attention_types: [[["global"], 3]] },
        { ...neo, attention_types: "local" },
        { ...neo, attention_layers: ["local", "local"] },
        { ...neo, activation_function: "xielu" },
        { ...neo, num_attention_heads: 2 },
        { ...neox, partial_rotary_factor: 0.25 },
        { ...neox, rope_theta: 500, rotary_emb_base: 600 },
        { ...neox, rope_scaling: { type: "longrope", factor: 2 } },
        { ...neox, hidden_size: "16" },
        { ...gptj, rotary_dim: null },
        { ...gptj, rotary_dim: 3 },
        { ...gptj, rotary_dim: 6 },
        { ...gptj, rotary: false },
        { ...gptj, scale_attn_weights: false },
        { ...gptj, rope_theta: 500 },
        { ...gptj, num_attention_heads: 2 },
        { ...phi, rotary_pct: 0.5 },
        { ...phi, sliding_window: 4 },
        { ...falcon, num_ln_in_parallel_attn: 2 },
        { ...falcon, new_decoder_architecture: true, num_ln_in_parallel_attn: 3 },
        { ...falcon, new_decoder_architecture: true, parallel_attn: false },
        { ...falcon, n_embed: 8 },
        { ...gpt, afn: "gelu_new" },
        { ...gpt, n_ctx: 24 },
        { ...gpt, n_inner: 24 },
      ].map((json) => messageOf(() => read(json as never)).replace("RangeError: loadPretrained: config.json has ", "")),
    ).toMatchInlineSnapshot(`
      [
        "an unsupported attention_types for gpt_neo, expected global or local for each of 2 layers, got [[["global"],3]]",
        "an unsupported attention_types for gpt_neo, expected lists such as [[["global", "local"], 12]], got "local"",
        "an unsupported attention_layers for gpt_neo, expected what attention_types says, ["global","local"], got ["local","local"]",
        "an unsupported activation_function for gpt_neo, expected one of gelu, gelu_python, gelu_new, gelu_fast, gelu_accurate, gelu_pytorch_tanh, quick_gelu, leaky_relu, linear, mish, relu, relu2, relu6, silu, swish, sigmoid, tanh, got "xielu"",
        "an unsupported num_attention_heads for gpt_neo, expected what num_heads says, 4, got 2",
        "an unsupported rotary_pct for gpt_neox, expected what partial_rotary_factor says, 0.25, got 0.5",
        "an unsupported rotary_emb_base for gpt_neox, expected what rope_theta says, 500, got 600",
        "an unsupported rope_scaling for gpt_neox, expected null or a rope_type of default, linear, dynamic, yarn, llama3, got {"type":"longrope","factor":2}",
        "an unsupported hidden_size for gpt_neox, expected a whole number >= 1, got "16"",
        "an unsupported rotary_dim for gptj, expected a whole number >= 1, got null",
        "an unsupported rotary_dim for gptj, expected an even number up to the head width 4, got 3",
        "an unsupported rotary_dim for gptj, expected an even number up to the head width 4, got 6",
        "an unsupported rotary for gptj, expected true, got false",
        "an unsupported scale_attn_weights for gptj, expected true, got false",
        "keys that gptj does not know, expected only known ones, got rope_theta: 500. Remove them if they change nothing",
        "an unsupported num_attention_heads for gptj, expected what n_head says, 4, got 2",
        "keys that phi does not know, expected only known ones, got rotary_pct: 0.5. Remove them if they change nothing",
        "keys that phi does not know, expected only known ones, got sliding_window: 4. Remove them if they change nothing",
        "an unsupported num_ln_in_parallel_attn for falcon, expected 1, or new_decoder_architecture, got 2",
        "an unsupported num_ln_in_parallel_attn for falcon, expected 1 or 2, got 3",
        "an unsupported parallel_attn for falcon, expected true with new_decoder_architecture, got false",
        "an unsupported n_embed for falcon, expected what hidden_size says, 16, got 8",
        "an unsupported afn for openai-gpt, expected one of gelu, relu, silu, swish, got "gelu_new"",
        "an unsupported n_ctx for openai-gpt, expected 12 (from n_positions), got 24",
        "keys that openai-gpt does not know, expected only known ones, got n_inner: 24. Remove them if they change nothing",
      ]
    `);
  });
});

test("what a family cannot say is refused before anything is written", async () => {
  const sizes = { vocabSize: 11, maxSeqLen: 8, dModel: 8, numLayers: 1, numHeads: 2, dFF: 32 };
  const first = { ...sizes, positions: { kind: "learned" }, placement: "post", finalNorm: false } as const;
  const local = {
    ...sizes,
    positions: { kind: "learned" },
    projection: "separate",
    attentionBias: false,
    outputBias: true,
    scale: 1,
  } as const satisfies Partial<DecoderConfig>;
  const neighbors = {
    ...{ ...sizes, branches: "parallel", projection: "separate", attentionBias: false, headBias: true },
    positions: { kind: "rotary", layout: "interleaved", width: 2 },
  } as const satisfies Partial<DecoderConfig>;
  const side = { ...sizes, branches: "parallel", positions: { kind: "rotary" }, activation: "gelu" } as const;
  const store = memoryFileStore();
  const save = async (modelType: string, config: DecoderConfig): Promise<string> => {
    const pretrained = { modelType, config, model: decoderModel(config, rng(0)) } as unknown as Pretrained;
    return savePretrained(store, "out", pretrained).then(() => "written", String);
  };
  expect([
    ...[await save("openai-gpt", first), await save("gpt_neo", local)],
    ...[await save("gptj", neighbors), await save("gptj", { ...neighbors, tieHead: false })],
  ]).toEqual(["written", "written", "written", "written"]);
  await store.remove("out/config.json");
  const messages = [
    await save("openai-gpt", { ...first, activation: "gelu" }),
    await save("openai-gpt", { ...first, dFF: 16 }),
    await save("gpt_neo", { ...local, scale: 0.5 }),
    await save("gptj", { ...neighbors, tieHead: false, headBias: false }),
    await save("gptj", { ...neighbors, positions: { kind: "rotary", width: 2 } }),
    await save("gptj", { ...neighbors, positions: { ...neighbors.positions, base: 500 } }),
    await save("gptj", { ...neighbors, attentionBias: true }),
    await save("gpt_neox", { ...side, numKvHeads: 1 }),
    await save("falcon", { ...side, normEpsilon: 0.1, positions: { kind: "alibi" } }),
    await save("falcon", { ...side, attentionBias: true, feedForwardBias: false }),
    await save("phi", { ...side, projection: "separate", branches: "sequential" }),
  ];
  expect(messages).toMatchInlineSnapshot(`
    [
      "RangeError: savePretrained: config.activation cannot be written as openai-gpt, expected "gelu_new", got "gelu". Save it as a family that has it",
      "RangeError: savePretrained: config.dFF cannot be written as openai-gpt, expected 32, got 16. Save it as a family that has it",
      "RangeError: savePretrained: config.scale cannot be written as gpt_neo, expected 1, got 0.5. Save it as a family that has it",
      "RangeError: savePretrained: config.headBias cannot be written as gptj, expected true, got false. Save it as a family that has it",
      "RangeError: savePretrained: config.positions cannot be written as gptj, expected {"base":10000,"kind":"rotary","layout":"interleaved","scaling":null,"width":2}, got {"base":10000,"kind":"rotary","layout":"half-split","scaling":null,"width":2}. Save it as a family that has it",
      "RangeError: savePretrained: config.positions cannot be written as gptj, expected {"base":10000,"kind":"rotary","layout":"interleaved","scaling":null,"width":2}, got {"base":500,"kind":"rotary","layout":"interleaved","scaling":null,"width":2}. Save it as a family that has it",
      "RangeError: savePretrained: config.outputBias cannot be written as gptj, expected false, got true. Save it as a family that has it",
      "RangeError: savePretrained: config.numKvHeads cannot be written as gpt_neox, expected 2, got 1. Save it as a family that has it",
      "RangeError: savePretrained: config.positions cannot be written as falcon, expected {"factor":0.5,"kind":"alibi","order":"paper","rounding":"bfloat16"}, got {"factor":1,"kind":"alibi","order":"paper","rounding":null}. Save it as a family that has it",
      "RangeError: savePretrained: config.feedForwardBias cannot be written as falcon, expected true, got false. Save it as a family that has it",
      "RangeError: savePretrained: config.branches cannot be written as phi, expected "parallel", got "sequential". Save it as a family that has it",
    ]
  `);
  expect(await store.size("out/config.json")).toBeNull();
});

test("shares of rotating channels give their width again", () => {
  for (let dHead = 2; dHead <= 256; dHead += 2)
    for (let width = 2; width <= dHead; width += 2)
      expect(Math.floor(dHead * rotaryShare({ width }, dHead)), `${width} of ${dHead}`).toBe(width);
  expect(rotaryShare({}, 64)).toBe(1);
});
