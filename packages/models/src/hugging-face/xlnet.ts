import type { JsonObject } from "@heed/checkpoints";
import { activationNames } from "../activations.ts";
import { type XlnetConfig, xlnet } from "../xlnet.ts";
import type { Xlnet } from "../xlnet-model.ts";
import { both } from "./bert-like.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ModelFamily, WeightRow } from "./family.ts";

function readConfig(json: JsonObject, architecture: string): XlnetConfig {
  const read = new ConfigReader("xlnet", json);
  const dModel = read.count("d_model", 1024, "hidden_size");
  const numHeads = read.count("n_head", 16, "num_attention_heads");
  read.only("d_head", dModel / numHeads, null);
  const clamped = read.whole("clamp_len", -1, Number.MIN_SAFE_INTEGER);
  const causal = read.choice("attn_type", ["bi", "uni"], "bi") === "uni";
  const hasHead = architecture === "XLNetLMHeadModel";
  const tieHead = read.boolean("tie_word_embeddings", true);
  // Memories of earlier texts: what they would keep is never read. The rest is of heads that are not built.
  read.ignore("mem_len", "reuse_len", "use_mems_eval", "use_mems_train", "start_n_top", "end_n_top");
  read.ignore("summary_type", "summary_use_proj", "summary_activation", "summary_last_dropout", "untie_r");
  const config: XlnetConfig = {
    vocabSize: read.count("vocab_size", 32000, "n_token"),
    dModel,
    numLayers: read.count("n_layer", 24, "num_hidden_layers"),
    numHeads,
    dFF: read.count("d_inner", 4096),
    activation: read.choice("ff_activation", activationNames, "gelu"),
    ...(causal && { causal }),
    sameLength: read.boolean("same_length", false),
    ...(clamped > 0 && { maxDistance: clamped }),
    twoWayBatches: read.boolean("bi_data", false),
    ...(hasHead ? { tieHead } : { head: false }),
    layerNormEpsilon: read.number("layer_norm_eps", 1e-12),
    dropout: read.number("dropout", 0.1, 0, 1),
    initStd: read.number("initializer_range", 0.02),
  };
  read.finish();
  return config;
}

const writeConfig = (config: XlnetConfig): JsonObject => ({
  architectures: [config.head === false ? "XLNetModel" : "XLNetLMHeadModel"],
  attn_type: config.causal ? "uni" : "bi",
  bi_data: config.twoWayBatches ?? false,
  clamp_len: config.maxDistance ?? -1,
  d_head: config.dModel / config.numHeads,
  d_inner: config.dFF,
  d_model: config.dModel,
  dropout: config.dropout ?? 0,
  ff_activation: config.activation ?? "gelu",
  initializer_range: config.initStd ?? 0.02,
  layer_norm_eps: config.layerNormEpsilon ?? 1e-12,
  model_type: "xlnet",
  n_head: config.numHeads,
  n_layer: config.numLayers,
  same_length: config.sameLength ?? false,
  ...(config.tieHead === false && { tie_word_embeddings: false }),
  torch_dtype: "float32",
  vocab_size: config.vocabSize,
});

/** Layers without biases stand in files as [E, H, D]; all but the last of attention with the input first. */
function weights({ dModel, numHeads }: XlnetConfig): WeightRow[] {
  const shape = [dModel, numHeads, dModel / numHeads];
  const attention = (ours: string, theirs: string): WeightRow => ({
    ours: `blocks.*.attention.${ours}`,
    theirs: `layer.*.rel_attn.${theirs}`,
  });
  const turned = (ours: string, theirs: string): WeightRow => ({
    ...attention(`${ours}.weight`, theirs),
    transposed: true,
    shape,
  });
  return [
    { ours: "tokens.weight", theirs: "word_embedding.weight" },
    { ours: "queryEmbedding", theirs: "mask_emb" },
    turned("query", "q"),
    turned("key", "k"),
    turned("value", "v"),
    { ...attention("output.weight", "o"), shape },
    turned("distance", "r"),
    attention("contentQuery", "r_w_bias"),
    attention("distanceQuery", "r_r_bias"),
    attention("segmentQuery", "r_s_bias"),
    attention("segmentKeys", "seg_embed"),
    ...both("blocks.*.norm1", "layer.*.rel_attn.layer_norm", "gain"),
    ...both("blocks.*.feedForward.expand", "layer.*.ff.layer_1"),
    ...both("blocks.*.feedForward.contract", "layer.*.ff.layer_2"),
    ...both("blocks.*.norm2", "layer.*.ff.layer_norm", "gain"),
    { ours: "head.weight", theirs: "lm_loss.weight", outside: true },
    { ours: "head.bias", theirs: "lm_loss.bias", outside: true },
  ];
}

/**
 * XLNet in Hugging Face folders, with its head over the vocabulary or without.
 *
 * @see Hugging Face transformers: models/xlnet/configuration_xlnet.py and modeling_xlnet.py. Differs: no memories of earlier texts.
 */
export const xlnetFamily: ModelFamily<XlnetConfig, Xlnet> = {
  modelType: "xlnet",
  architectures: ["XLNetLMHeadModel", "XLNetModel"],
  bare: ["XLNetModel"],
  readConfig,
  writeConfig,
  floatKeys: ["dropout", "initializer_range", "layer_norm_eps", "summary_last_dropout"],
  build: xlnet,
  numLayers: ({ numLayers }) => numLayers,
  weights,
  prefix: "transformer.",
  isIgnored: () => false,
  copies: ({ tieHead, head }) =>
    new Map(head !== false && tieHead !== false ? [["lm_loss.weight", "word_embedding.weight"]] : []),
  isHead: (name) => name.startsWith("lm_loss."),
};
