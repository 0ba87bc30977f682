import type { JsonObject } from "@heed/checkpoints";
import { normalInit, zerosInit } from "@heed/nn";
import type { Rng } from "@heed/tensor";
import { activationNames } from "../activations.ts";
import { createHeads, type HeadConfig } from "../states-head.ts";
import { type XlnetConfig, xlnet } from "../xlnet.ts";
import type { Xlnet } from "../xlnet-model.ts";
import { XlnetWithHeads } from "../xlnet-with-heads.ts";
import { both } from "./bert-like.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ModelFamily, WeightRow } from "./family.ts";
import { readXlnetHeads, writeXlnetHeads, xlnetHeadClasses, xlnetHeadRows } from "./xlnet-heads.ts";

/** An XLNet with its head over the vocabulary or without, or with a head of a task. */
export interface PretrainedXlnetConfig extends XlnetConfig {
  /** by name, where head is false: `classes` of texts, `tags` of tokens or the `span` of an answer; default none */
  readonly heads?: Readonly<Record<string, HeadConfig>>;
}

function readConfig(json: JsonObject, architecture: string): PretrainedXlnetConfig {
  const read = new ConfigReader("xlnet", json);
  const dModel = read.count("d_model", 1024, "hidden_size");
  const numHeads = read.count("n_head", 16, "num_attention_heads");
  read.only("d_head", dModel / numHeads, null);
  const clamped = read.whole("clamp_len", -1, Number.MIN_SAFE_INTEGER);
  const causal = read.choice("attn_type", ["bi", "uni"], "bi") === "uni";
  const hasHead = architecture === "XLNetLMHeadModel";
  const tieHead = read.boolean("tie_word_embeddings", true);
  // Memories of earlier texts: what they would keep is never read. The rest is of other classes' heads.
  read.ignore("mem_len", "reuse_len", "use_mems_eval", "use_mems_train", "start_n_top", "end_n_top");
  read.ignore("summary_type", "summary_use_proj", "summary_activation", "summary_last_dropout", "untie_r");
  const heads = readXlnetHeads(read, architecture, dModel);
  const config: PretrainedXlnetConfig = {
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
    ...(heads && { heads }),
    layerNormEpsilon: read.number("layer_norm_eps", 1e-12),
    dropout: read.number("dropout", 0.1, 0, 1),
    initStd: read.number("initializer_range", 0.02),
  };
  read.finish();
  return config;
}

const writeConfig = (config: PretrainedXlnetConfig): JsonObject => ({
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
  ...(config.heads && writeXlnetHeads(config.heads)),
});

/** Layers without biases stand in files as [E, H, D]; all but the last of attention with the input first. */
function bodyRows({ dModel, numHeads }: XlnetConfig): WeightRow[] {
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

/** Where heads of tasks stand, the body is a part of the model. */
const weights = (config: PretrainedXlnetConfig): readonly WeightRow[] =>
  config.heads
    ? [...bodyRows(config).map((row) => ({ ...row, ours: `xlnet.${row.ours}` })), ...xlnetHeadRows]
    : bodyRows(config);

function build({ heads, ...config }: PretrainedXlnetConfig, rng: Rng | null): Xlnet | XlnetWithHeads {
  if (!heads) return xlnet(config, rng);
  const { dModel, initStd: std = 0.02 } = config;
  const weight = rng ? normalInit({ std, rng }) : zerosInit();
  return new XlnetWithHeads({ xlnet: xlnet(config, rng), heads: createHeads(heads, { dModel, weight }) });
}

const headNames: ReadonlySet<string> = new Set(xlnetHeadRows.map(({ theirs }) => theirs));

/**
 * XLNet in Hugging Face folders, with its head over the vocabulary, with one of a task, or without.
 *
 * @see Hugging Face transformers: models/xlnet/configuration_xlnet.py and modeling_xlnet.py. Differs: no memories of earlier texts.
 */
export const xlnetFamily: ModelFamily<PretrainedXlnetConfig, Xlnet | XlnetWithHeads> = {
  modelType: "xlnet",
  architectures: ["XLNetLMHeadModel", "XLNetModel", ...xlnetHeadClasses],
  bare: ["XLNetModel"],
  readConfig,
  writeConfig,
  floatKeys: ["dropout", "initializer_range", "layer_norm_eps", "summary_first_dropout", "summary_last_dropout"],
  build,
  numLayers: ({ numLayers }) => numLayers,
  weights,
  prefix: "transformer.",
  isIgnored: () => false,
  copies: ({ tieHead, head }) =>
    new Map(head !== false && tieHead !== false ? [["lm_loss.weight", "word_embedding.weight"]] : []),
  isHead: (name) => name.startsWith("lm_loss.") || headNames.has(name),
};
