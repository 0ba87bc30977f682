import type { JsonObject } from "@heed/checkpoints";
import { memoryFileStore } from "@heed/checkpoints";
import { stateDict } from "@heed/nn";
import { dataSync, referenceBackend, rng, useBackend } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { families, loadPretrained, savePretrained, type XlnetConfig, xlnet } from "../../src/index.ts";

const { xlnet: family } = families;

const base: JsonObject = {
  model_type: "xlnet",
  architectures: ["XLNetLMHeadModel"],
  ...{ vocab_size: 11, d_model: 8, n_layer: 1, n_head: 2, d_head: 4, d_inner: 12 },
};
const read = (keys: JsonObject, architecture = "XLNetLMHeadModel") =>
  family.readConfig({ ...base, ...keys }, architecture);

describe("folders of XLNet", () => {
  beforeEach(() => void useBackend(referenceBackend()));

  test("every key that changes what is computed is read, and written again", () => {
    const config = read({
      ...{ attn_type: "uni", same_length: true, clamp_len: 3, bi_data: true, ff_activation: "relu", dropout: 0.25 },
      ...{ layer_norm_eps: 1e-5, initializer_range: 0.1, tie_word_embeddings: false },
    });
    expect(config).toMatchObject({
      ...{ causal: true, sameLength: true, maxDistance: 3, twoWayBatches: true, activation: "relu", dropout: 0.25 },
      ...{ layerNormEpsilon: 1e-5, initStd: 0.1, tieHead: false },
    });
    expect(read(family.writeConfig(config))).toEqual(config);
    const bare = read({}, "XLNetModel");
    expect(bare.head).toBe(false);
    expect(family.readConfig(family.writeConfig(bare), "XLNetModel")).toEqual(bare);
  });

  test("names of the first versions; any clamp below 1 is none", () => {
    const { d_model, n_layer, n_head, vocab_size, ...rest } = base;
    const old: JsonObject = {
      ...rest,
      ...{ hidden_size: d_model!, num_hidden_layers: n_layer!, num_attention_heads: n_head!, n_token: vocab_size! },
    };
    expect(family.readConfig(old, "XLNetLMHeadModel")).toEqual(read({}));
    expect(read({ clamp_len: 0 })).toEqual(read({ clamp_len: -1 }));
  });

  test.each<{ what: string; keys: JsonObject }>([
    { what: "heads of another width", keys: { d_head: 6 } },
    { what: "an unknown kind of attention", keys: { attn_type: "local" } },
    { what: "an unknown activation", keys: { ff_activation: "cubic" } },
    { what: "a key that nobody knows", keys: { two_streams: false } },
    { what: "quantized weights", keys: { quantization_config: { bits: 4 } } },
  ])("refuses $what", ({ keys }) => {
    expect(() => read(keys)).toThrowErrorMatchingSnapshot();
  });

  const classes: { name: string; architecture: "XLNetLMHeadModel" | "XLNetModel"; keys: Partial<XlnetConfig> }[] = [
    { name: "tied", architecture: "XLNetLMHeadModel", keys: {} },
    { name: "untied", architecture: "XLNetLMHeadModel", keys: { tieHead: false } },
    { name: "bare", architecture: "XLNetModel", keys: { head: false } },
  ];
  test.each(classes)("$name: saved and loaded bit for bit", async ({ architecture, keys }) => {
    const config: XlnetConfig = { ...{ vocabSize: 11, dModel: 8, numLayers: 2, numHeads: 2, dFF: 12 }, ...keys };
    const model = xlnet(config, rng(0));
    const store = memoryFileStore();
    await savePretrained(store, "folder", { modelType: "xlnet", architecture, config, model });
    const loaded = await loadPretrained(store, "folder");
    const weights = stateDict(loaded.model);
    expect([...weights.keys()]).toEqual([...stateDict(model).keys()]);
    for (const [name, weight] of stateDict(model))
      expect([...dataSync(weights.get(name)!)]).toEqual([...dataSync(weight)]);
  });

  test("refuses classes whose heads are not built", async () => {
    const store = memoryFileStore();
    const config: XlnetConfig = { vocabSize: 11, dModel: 8, numLayers: 1, numHeads: 2, dFF: 12 };
    await savePretrained(store, "folder", { modelType: "xlnet", config, model: xlnet(config, rng(0)) });
    await expect(
      loadPretrained(store, "folder", { architecture: "XLNetForMultipleChoice" }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: loadPretrained: architecture is unknown for xlnet, expected one of XLNetLMHeadModel, XLNetModel, XLNetForSequenceClassification, XLNetForTokenClassification, XLNetForQuestionAnsweringSimple, got XLNetForMultipleChoice]`,
    );
  });
});
