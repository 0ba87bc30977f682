import { type JsonObject, memoryFileStore, type NamedArray, openWeights, writeWeights } from "@heed/checkpoints";
import { stateDict } from "@heed/nn";
import { dataSync, referenceBackend, rng, tensor, useBackend } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type BartConfig,
  bart,
  configFromHuggingFace,
  EncoderDecoder,
  isEncoderModel,
  loadPretrained,
  modelFromHuggingFace,
  type Pretrained,
  savePretrained,
  T5Encoder,
  t5,
} from "../../src/index.ts";

const sizes = { numLayers: 1, numHeads: 2, dFF: 12 };
const marian: BartConfig = {
  ...{ vocabSize: 9, maxSeqLen: 12, dModel: 8, encoder: sizes, decoder: { ...sizes, numLayers: 2 } },
  ...{ positions: "sinusoidal", embeddingNorm: false, preNorm: false, scaleEmbedding: true, paddingId: 8 },
};
const read = (json: JsonObject): unknown => configFromHuggingFace(json);

beforeEach(() => void useBackend(referenceBackend()));

describe("t5", () => {
  test("an absent key means the default of Python", () => {
    expect(read({ model_type: "t5" })).toMatchObject({
      ...{ vocabSize: 32128, dModel: 512, numHeads: 8, dHead: 64, dFF: 2048, numLayers: 6, numDecoderLayers: 6 },
      ...{ activation: "relu", gated: false, tieHead: true, numBuckets: 32, maxDistance: 128, dropout: 0.1 },
    });
    expect(read({ model_type: "mt5" })).toMatchObject({
      ...{ vocabSize: 250112, dFF: 1024, numLayers: 8, numHeads: 6, activation: "gelu_new", gated: true },
    });
    expect(read({ model_type: "t5", num_layers: 3, num_decoder_layers: null })).toMatchObject({ numDecoderLayers: 3 });
  });

  test("whether states are divided before the head depends on tying, a key and the version", () => {
    const of = (modelType: string, json: JsonObject) => read({ model_type: modelType, ...json });
    expect(of("t5", {})).not.toHaveProperty("scaleHead");
    expect(of("t5", { scale_decoder_outputs: false })).toMatchObject({ tieHead: true, scaleHead: false });
    expect(of("t5", { transformers_version: "5.17.0" })).not.toHaveProperty("scaleHead");
    expect(of("mt5", {})).toMatchObject({ tieHead: false });
    expect(of("mt5", { tie_word_embeddings: true, transformers_version: "4.46.0" })).not.toHaveProperty("scaleHead");
    const tied = of("mt5", { tie_word_embeddings: true, transformers_version: "5.17.0" });
    expect(tied).toMatchObject({ tieHead: true, scaleHead: false });
  });

  test("derived keys overrule what they are derived from, as in Python", () => {
    const of = (json: JsonObject) => read({ model_type: "t5", ...json });
    expect(of({ feed_forward_proj: "gated-silu" })).toMatchObject({ activation: "silu", gated: true });
    expect(of({ feed_forward_proj: "gated-gelu" })).toMatchObject({ activation: "gelu_new", gated: true });
    expect(of({ feed_forward_proj: "gelu" })).toMatchObject({ activation: "gelu", gated: false });
    const overruled = of({ feed_forward_proj: "gated-gelu", dense_act_fn: "gelu", is_gated_act: false });
    expect(overruled).toMatchObject({ activation: "gelu", gated: false });
  });

  test.each<{ json: JsonObject }>([
    { json: { feed_forward_proj: "relu-gated" } },
    { json: { num_heads: 0 } },
    { json: { hidden_size: 256, d_model: 512 } },
    { json: { relative_attention: true } },
    { json: { architectures: ["T5ForMultipleChoice"] } },
  ])("refuses $json", ({ json }) => {
    expect(() => read({ model_type: "t5", ...json })).toThrowErrorMatchingSnapshot();
  });

  test("the encoder of a whole checkpoint loads alone", async () => {
    const store = memoryFileStore();
    const config = { vocabSize: 9, dModel: 8, numHeads: 2, dHead: 3, dFF: 12, numLayers: 2, tieHead: false };
    const model = t5(config, rng(1));
    await savePretrained(store, "whole", { modelType: "t5", config, model });
    const loaded = await loadPretrained(store, "whole", { architecture: "T5EncoderModel" });
    expect(loaded.model).toBeInstanceOf(T5Encoder);
    expect(loaded.unused).toContain("lm_head.weight");
    expect(loaded.unused).toContain("decoder.final_layer_norm.weight");
    const tokens = tensor([[1, 2, 3]], { dtype: "int32" });
    const states = dataSync((loaded.model as T5Encoder).forward(tokens));
    expect([...states]).toEqual([...dataSync(model.encode(tokens))]);
    await savePretrained(store, "encoder", loaded);
    const again = await loadPretrained(store, "encoder");
    expect(again.architecture).toBe("T5EncoderModel");
    expect([...stateDict(again.model).keys()]).toEqual([...stateDict(loaded.model).keys()]);
  });
});

describe.each(["T5", "MT5"])("labels of tokens by %s", (name) => {
  const json: JsonObject = {
    model_type: name.toLowerCase(),
    ...{ vocab_size: 9, d_model: 8, num_heads: 2, d_kv: 3, d_ff: 12, num_layers: 1, initializer_factor: 0.7 },
  };
  const tagger: JsonObject = { ...json, architectures: [`${name}ForTokenClassification`], num_labels: 3 };
  const tokens = () => tensor([[3, 1, 4, 1]], { dtype: "int32" });

  test("each state of the encoder alone is scored", () => {
    const { model } = modelFromHuggingFace(tagger, rng(1));
    if (!isEncoderModel(model)) throw new TypeError("expected an encoder with heads");
    const { states, tags } = model.forward(tokens());
    const encoder = new T5Encoder({ encoder: model.encoder });
    expect([...dataSync(states)]).toEqual([...dataSync(encoder.forward(tokens()))]);
    const [weight, x] = [dataSync(stateDict(model).get("heads.tags.out.weight")!), dataSync(states)];
    [...dataSync(tags!)].forEach((score, i) => {
      const [place, label] = [Math.floor(i / 3), i % 3];
      let expected = 0;
      for (let e = 0; e < 8; e++) expected += x[place * 8 + e]! * weight[label * 8 + e]!;
      expect(score).toBeCloseTo(expected, 5);
    });
    expect(tags!.shape).toEqual([1, 4, 3]);
  });

  test("final states drop as in every T5, and once more before the labels", () => {
    const config = read({ ...tagger, dropout_rate: 0.2, classifier_dropout: 0.4 });
    expect(config).toMatchObject({ encoderOnly: true, heads: { tags: { dropoutBefore: 0.2, dropout: 0.4, out: 3 } } });
    expect(() => read({ ...tagger, classifier_dropout: null })).toThrow("unsupported classifier_dropout");
  });

  test("written and read again; a pretrained folder opens with new labels, its decoder unused", async () => {
    const store = memoryFileStore();
    const before = modelFromHuggingFace(tagger, rng(1));
    await savePretrained(store, "tagger", before);
    const after = await loadPretrained(store, "tagger");
    expect([after.architecture, after.config]).toEqual([`${name}ForTokenClassification`, before.config]);
    const files = await openWeights(store, "tagger");
    expect([...files.entries.keys()]).toContain("transformer.encoder.final_layer_norm.weight");
    expect([...files.entries.keys()]).toContain("classifier.weight");
    await files.close();
    const state = stateDict(after.model);
    for (const [weight, x] of stateDict(before.model)) expect(dataSync(state.get(weight)!)).toEqual(dataSync(x));

    await savePretrained(store, "whole", modelFromHuggingFace(json, rng(2)));
    const tuned = await loadPretrained(store, "whole", {
      ...{ architecture: `${name}ForTokenClassification`, config: { num_labels: 4 }, newWeights: rng(3) },
    });
    expect(tuned.fresh).toEqual(["classifier.weight", "classifier.bias"]);
    expect(tuned.unused).toContain("decoder.final_layer_norm.weight");
    await savePretrained(store, "tuned", tuned);
    expect((await loadPretrained(store, "tuned")).architecture).toBe(`${name}ForTokenClassification`);
  });
});

describe("bart and relatives", () => {
  test("an absent key means the default of Python", () => {
    const large = { numLayers: 12, numHeads: 16, dFF: 4096 };
    expect(read({ model_type: "bart" })).toMatchObject({
      ...{ vocabSize: 50265, maxSeqLen: 1024, dModel: 1024, encoder: large, decoder: large, activation: "gelu" },
      ...{ positions: "learned", positionOffset: 2, embeddingNorm: true, preNorm: false, scaleEmbedding: false },
      ...{ tieHead: true, paddingId: 1, dropout: 0.1, attentionDropout: 0, activationDropout: 0, initStd: 0.02 },
    });
    const differing = (modelType: string): unknown => read({ model_type: modelType });
    expect(differing("mbart")).toMatchObject({ preNorm: true, embeddingNorm: true, positions: "learned" });
    expect(differing("pegasus")).toMatchObject({ preNorm: true, embeddingNorm: false, positions: "sinusoidal" });
    expect(differing("marian")).toMatchObject({ preNorm: false, embeddingNorm: false, paddingId: 58100 });
    expect(read({ model_type: "bart", pad_token_id: null })).not.toHaveProperty("paddingId");
  });

  test("keys of old files that say what the class fixes are checked", () => {
    const old = { normalize_before: false, normalize_embedding: true, add_final_layer_norm: false };
    expect(read({ model_type: "bart", ...old, static_position_embeddings: false, encoder_layerdrop: 0 })).toBeDefined();
    const of = (modelType: string, json: JsonObject) => () => read({ model_type: modelType, ...json });
    expect(of("bart", { normalize_before: true })).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: loadPretrained: config.json has an unsupported normalize_before for bart, expected false, got true]`,
    );
    expect(of("mbart", { normalize_before: false })).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: loadPretrained: config.json has an unsupported normalize_before for mbart, expected true, got false]`,
    );
    expect(of("marian", { static_position_embeddings: false })).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: loadPretrained: config.json has an unsupported static_position_embeddings for marian, expected true, got false]`,
    );
    expect(of("bart", { decoder_layerdrop: 0.1 })).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: loadPretrained: config.json has an unsupported decoder_layerdrop for bart, expected 0, got 0.1]`,
    );
    expect(of("bart", { is_encoder_decoder: false })).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: loadPretrained: config.json has an unsupported is_encoder_decoder for bart, expected true, got false]`,
    );
    expect(of("bart", { decoder_vocab_size: 5 })).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: loadPretrained: config.json has keys that bart does not know, expected only known ones, got decoder_vocab_size: 5. Remove them if they change nothing]`,
    );
    expect(of("marian", { architectures: ["MarianForSequenceClassification"] })).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: loadPretrained: config.json has an unsupported architectures for marian, expected one of MarianMTModel, MarianModel, got ["MarianForSequenceClassification"]]`,
    );
  });

  test.each<{ name: string; pretrained: () => Pretrained; names: string[]; without?: string[] }>([
    {
      name: "a Marian with one vocabulary",
      pretrained: () => ({ modelType: "marian", config: marian, model: bart(marian, rng(0)) }),
      names: ["model.shared.weight", "final_logits_bias"],
      without: ["lm_head.weight", "model.encoder.embed_positions.weight", "model.encoder.layer_norm.weight"],
    },
    {
      name: "a Marian with two vocabularies",
      pretrained: () => {
        const config = { ...marian, targetVocabSize: 11, tieHead: false };
        return { modelType: "marian", config, model: bart(config, rng(0)) };
      },
      names: ["model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight"],
      without: ["model.shared.weight"],
    },
    {
      name: "an mBART",
      pretrained: () => {
        const config = {
          ...marian,
          positions: "learned",
          positionOffset: 2,
          embeddingNorm: true,
          preNorm: true,
        } as const;
        return { modelType: "mbart", config, model: bart(config, rng(0)) };
      },
      names: ["model.decoder.layer_norm.weight", "model.encoder.layernorm_embedding.bias"],
    },
    {
      name: "a Pegasus without padding token",
      pretrained: () => {
        const { paddingId: _, ...rest } = marian;
        const config = { ...rest, preNorm: true };
        return { modelType: "pegasus", config, model: bart(config, rng(0)) };
      },
      names: ["model.encoder.layer_norm.bias"],
    },
  ])("$name is written under the original's names and read back", async ({ pretrained, names, without = [] }) => {
    const store = memoryFileStore();
    const before = pretrained();
    await savePretrained(store, "saved", before);
    const files = await openWeights(store, "saved");
    for (const name of names) expect([...files.entries.keys()]).toContain(name);
    for (const name of without) expect([...files.entries.keys()]).not.toContain(name);
    await files.close();
    const after = await loadPretrained(store, "saved");
    expect(after.config).toMatchObject(before.config as object);
    const state = stateDict(after.model);
    for (const [name, tensor] of stateDict(before.model)) expect(dataSync(state.get(name)!)).toEqual(dataSync(tensor));
  });

  test("embeddings of their own, which newer classes save where nothing is tied, are refused by name", async () => {
    const store = memoryFileStore();
    const config: BartConfig = { ...marian, positions: "learned", embeddingNorm: true, tieHead: false };
    await savePretrained(store, "untied", { modelType: "bart", config, model: bart(config, rng(0)) });
    const files = await openWeights(store, "untied");
    const arrays = new Map<string, NamedArray>();
    for (const name of files.entries.keys()) arrays.set(name, await files.read(name));
    await files.close();
    expect((await loadPretrained(store, "untied")).config).toMatchObject({ tieHead: false });
    arrays.set("model.encoder.embed_tokens.weight", arrays.get("model.shared.weight")!);
    await writeWeights(store, "untied", arrays);
    await expect(loadPretrained(store, "untied")).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: loadPretrained: weights do not fit the bart of config.json, expected exactly its names and shapes, got unexpected: model.encoder.embed_tokens.weight. Check that weights and config.json belong together]`,
    );
  });

  test("a folder of the class without head gives a model whose head is the token embedding", async () => {
    const store = memoryFileStore();
    const config = { ...marian, logitsBias: false };
    await savePretrained(store, "bare", {
      modelType: "marian",
      config,
      model: bart(config, rng(0)),
      architecture: "MarianModel",
    });
    const bare = await loadPretrained(store, "bare");
    expect([bare.architecture, bare.model instanceof EncoderDecoder]).toEqual(["MarianModel", true]);
    await expect(
      loadPretrained(store, "bare", { architecture: "MarianMTModel" }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: loadPretrained: weights do not fit the marian of config.json, expected exactly its names and shapes, got missing: final_logits_bias. Give newWeights to draw those of a new head]`,
    );
    const whole = await loadPretrained(store, "bare", { architecture: "MarianMTModel", newWeights: rng(0) });
    expect(whole.fresh).toEqual(["final_logits_bias"]);
  });
});
