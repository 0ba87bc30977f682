import type { JsonObject } from "@heed/checkpoints";
import { normalInit, zerosInit } from "@heed/nn";
import type { Rng } from "@heed/tensor";
import { type ActivationName, activationNames } from "../activations.ts";
import type { EncoderDecoder } from "../encoder-decoder.ts";
import { EncoderModel } from "../encoder-model.ts";
import { createHeads, type HeadConfig } from "../states-head.ts";
import { type T5Config, type T5Encoder, t5, t5Encoder } from "../t5.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ModelFamily, WeightRow } from "./family.ts";
import { headRows } from "./head-rows.ts";
import { labelNames } from "./label-names.ts";
import { withSourceHeads } from "./source-heads.ts";

/** A T5, or its encoder alone. */
export interface PretrainedT5Config extends T5Config {
  /** default false */
  readonly encoderOnly?: boolean;
  /** of the encoder alone: what reads its states, `tags` for labels of tokens; default nothing */
  readonly heads?: Readonly<Record<string, HeadConfig>>;
}

/** `feed_forward_proj` is an activation, or `gated-` and one; "gated-gelu" means the tanh approximation. */
function readFeedForward(read: ConfigReader, fallback: string): Pick<T5Config, "activation" | "gated"> {
  const choices = activationNames.flatMap((name) => [name as string, `gated-${name}`]);
  const projection = read.choice("feed_forward_proj", choices, fallback);
  const gated = projection.startsWith("gated-");
  const named = projection.replace("gated-", "") as ActivationName;
  // Python derives these two, then lets config.json overrule them.
  return {
    activation: read.choice("dense_act_fn", activationNames, projection === "gated-gelu" ? "gelu_new" : named),
    gated: read.boolean("is_gated_act", gated),
  };
}

/** What differs between T5 and its multilingual copy: the name and the defaults. */
interface T5Traits {
  readonly modelType: string;
  /** in front of names of classes */
  readonly className: string;
  readonly vocabSize: number;
  readonly dFF: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly feedForward: string;
  readonly tieHead: boolean;
  /** whether version 5 of Python's classes divides states before a tied head */
  readonly scalesHeadSince5: boolean;
  /** what an absent `decoder_start_token_id` means; null: there is none */
  readonly startId: number | null;
}

/** Version 4 divides states before a tied head; version 5 says so in a key for T5, and never does for mT5. */
function readHead(read: ConfigReader, traits: T5Traits): Pick<T5Config, "tieHead" | "scaleHead"> {
  const tieHead = read.boolean("tie_word_embeddings", traits.tieHead);
  const version = read.get("transformers_version");
  const isNew = typeof version === "string" && Number.parseInt(version, 10) >= 5;
  const scaleHead = read.boolean("scale_decoder_outputs", tieHead && (traits.scalesHeadSince5 || !isNew));
  return { tieHead, ...(scaleHead !== tieHead && { scaleHead }) };
}

/** Final states drop as in every T5, and again before the labels. */
const readTags = (read: ConfigReader, dropoutBefore: number): HeadConfig => ({
  tokens: "each",
  dropoutBefore,
  dropout: read.number("classifier_dropout", 0, 0, 1),
  out: read.labels(),
});

function readConfig(traits: T5Traits, json: JsonObject, architecture: string): PretrainedT5Config {
  const read = new ConfigReader(traits.modelType, json);
  // Distances have no end, so n_positions changes nothing; dropout of classifiers belongs to other classes.
  read.ignore("n_positions", "classifier_dropout", "is_encoder_decoder");
  const head = readHead(read, traits);
  const numLayers = read.count("num_layers", traits.numLayers, "num_hidden_layers");
  const isTagger = architecture === `${traits.className}ForTokenClassification`;
  const hasHead = architecture === `${traits.className}ForConditionalGeneration`;
  const dropout = read.number("dropout_rate", 0.1, 0, 1);
  const config: PretrainedT5Config = {
    vocabSize: read.count("vocab_size", traits.vocabSize),
    dModel: read.count("d_model", 512, "hidden_size"),
    numHeads: read.count("num_heads", traits.numHeads, "num_attention_heads"),
    dHead: read.count("d_kv", 64, "head_dim"),
    dFF: read.count("d_ff", traits.dFF),
    numLayers,
    numDecoderLayers: read.countOrNull("num_decoder_layers", numLayers),
    ...readFeedForward(read, traits.feedForward),
    numBuckets: read.count("relative_attention_num_buckets", 32),
    maxDistance: read.count("relative_attention_max_distance", 128),
    layerNormEpsilon: read.number("layer_norm_epsilon", 1e-6),
    dropout,
    initFactor: read.number("initializer_factor", 1),
    ...(hasHead && head),
    ...((isTagger || architecture === `${traits.className}EncoderModel`) && { encoderOnly: true }),
    ...(isTagger && { heads: { tags: readTags(read, dropout) } }),
  };
  read.finish();
  return config;
}

function classNameOf(className: string, { encoderOnly = false, heads }: PretrainedT5Config): string {
  if (!encoderOnly) return `${className}ForConditionalGeneration`;
  return className + (heads ? "ForTokenClassification" : "EncoderModel");
}

function writeConfig({ modelType, className }: T5Traits, config: PretrainedT5Config): JsonObject {
  const { activation = "relu", gated = false, numLayers, dModel, numHeads } = config;
  const tags = config.heads?.["tags"];
  const named = gated && activation === "gelu_new" ? "gelu" : activation;
  return {
    architectures: [classNameOf(className, config)],
    classifier_dropout: tags?.dropout ?? 0,
    d_ff: config.dFF,
    d_kv: config.dHead ?? dModel / numHeads,
    d_model: dModel,
    decoder_start_token_id: 0,
    dense_act_fn: activation,
    dropout_rate: config.dropout ?? 0,
    eos_token_id: 1,
    feed_forward_proj: gated ? `gated-${named}` : named,
    initializer_factor: config.initFactor ?? 1,
    ...(typeof tags?.out === "number" && labelNames(tags.out)),
    is_encoder_decoder: true,
    is_gated_act: gated,
    layer_norm_epsilon: config.layerNormEpsilon ?? 1e-6,
    model_type: modelType,
    num_decoder_layers: config.numDecoderLayers ?? numLayers,
    num_heads: numHeads,
    num_layers: numLayers,
    pad_token_id: 0,
    relative_attention_max_distance: config.maxDistance ?? 128,
    relative_attention_num_buckets: config.numBuckets ?? 32,
    ...(config.scaleHead !== undefined && { scale_decoder_outputs: config.scaleHead }),
    tie_word_embeddings: config.tieHead ?? true,
    torch_dtype: "float32",
    use_cache: true,
    vocab_size: config.vocabSize,
  };
}

/** Names of a block: `layer` counts attention, cross-attention and feed-forward of theirs. */
function blockRows(part: "encoder" | "decoder", { gated = false }: T5Config): WeightRow[] {
  const row = (ours: string, theirs: string): WeightRow => ({
    ours: `${part}.blocks.*.${ours}`,
    theirs: `${part}.block.*.layer.${theirs}.weight`,
  });
  const attention = (ours: string, theirs: string): WeightRow[] => [
    row(`${ours}.projection.query.weight`, `${theirs}.q`),
    row(`${ours}.projection.key.weight`, `${theirs}.k`),
    row(`${ours}.projection.value.weight`, `${theirs}.v`),
    row(`${ours}.output.weight`, `${theirs}.o`),
  ];
  const last = part === "encoder" ? 1 : 2;
  const inner = `${last}.DenseReluDense`;
  return [
    row("norm1.gain", "0.layer_norm"),
    ...attention("attention", "0.SelfAttention"),
    row("crossNorm.gain", "1.layer_norm"),
    ...attention("crossAttention", "1.EncDecAttention"),
    row("norm2.gain", `${last}.layer_norm`),
    row("feedForward.expand.weight", gated ? `${inner}.wi_1` : `${inner}.wi`),
    row("feedForward.gate.weight", `${inner}.wi_0`),
    row("feedForward.contract.weight", `${inner}.wo`),
  ];
}

const weights = (config: PretrainedT5Config): WeightRow[] => [
  { ours: "encoder.embedding.tokens.weight", theirs: "shared.weight" },
  { ours: "head.weight", theirs: "lm_head.weight", outside: true },
  ...headRows({ tags: { out: "classifier" } }),
  ...(["encoder", "decoder"] as const).flatMap((part) => [
    {
      ours: `${part}.bias.table`,
      theirs: `${part}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`,
    },
    ...blockRows(part, config),
    { ours: `${part}.norm.gain`, theirs: `${part}.final_layer_norm.weight` },
  ]),
];

/** Where the files of the public checkpoints repeat the token embedding. */
const copies = ({ tieHead, encoderOnly }: PretrainedT5Config): Map<string, string> =>
  new Map(
    ["encoder.embed_tokens.weight", ...(encoderOnly ? [] : ["decoder.embed_tokens.weight"])]
      .concat(tieHead ? ["lm_head.weight"] : [])
      .map((name) => [name, "shared.weight"]),
  );

/** The encoder with heads that read its states. */
function withStatesHeads(
  { encoder }: T5Encoder,
  heads: Readonly<Record<string, HeadConfig>>,
  { dModel, initFactor: std = 1 }: T5Config,
  rng: Rng | null,
): EncoderModel {
  const weight = rng ? normalInit({ std, rng }) : zerosInit();
  return new EncoderModel({ encoder, heads: createHeads(heads, { dModel, weight }) });
}

function build(
  { encoderOnly, heads, ...config }: PretrainedT5Config,
  rng: Rng | null,
): EncoderDecoder | T5Encoder | EncoderModel {
  if (!encoderOnly) return t5(config, rng);
  const encoder = t5Encoder(config, rng);
  return heads ? withStatesHeads(encoder, heads, config, rng) : encoder;
}

function t5FamilyOf(traits: T5Traits): ModelFamily<PretrainedT5Config, EncoderDecoder | T5Encoder | EncoderModel> {
  const { modelType, className } = traits;
  const bare = [
    `${className}ForConditionalGeneration`,
    `${className}EncoderModel`,
    `${className}Model`,
    `${className}WithLMHeadModel`,
  ];
  return {
    modelType,
    architectures: [...bare, `${className}ForTokenClassification`],
    bare: [...bare, `${className}ForQuestionAnswering`],
    readConfig: (json, architecture) =>
      readConfig(traits, json, architecture.replace("WithLMHeadModel", "ForConditionalGeneration")),
    writeConfig: (config) => writeConfig(traits, config),
    floatKeys: ["classifier_dropout", "dropout_rate", "initializer_factor", "layer_norm_epsilon"],
    build,
    numLayers: ({ numLayers, numDecoderLayers = numLayers, encoderOnly }) =>
      numLayers + (encoderOnly ? 0 : numDecoderLayers),
    weights,
    prefix: "transformer.",
    // A table of the first public checkpoints that nothing reads.
    isIgnored: (name) => name === "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
    copies,
    isHead: (name) => /^(lm_head\.|classifier\.|decoder\.)/.test(name),
  };
}

/** With the heads that read what the decoder makes of the source. */
const classifying = (traits: T5Traits) =>
  withSourceHeads(t5FamilyOf(traits), {
    className: traits.className,
    build: t5,
    std: ({ dModel, initFactor = 1 }) => initFactor * dModel ** -0.5,
    defaults: { numLabels: 2, paddingId: 0, startId: traits.startId, endId: 1 },
  });

/**
 * T5 in Hugging Face folders: v1.0 and v1.1, whole or its encoder alone, or with heads for labels of texts or tokens or for the
 * ends of an answer.
 *
 * @see Hugging Face transformers: models/t5/configuration_t5.py and modeling_t5.py. Those of version 5 tie the head of v1.1 too;
 *   we read what the file holds, as version 4.
 */
export const t5Family = classifying({
  modelType: "t5",
  className: "T5",
  vocabSize: 32128,
  dFF: 2048,
  numLayers: 6,
  numHeads: 8,
  feedForward: "relu",
  tieHead: true,
  scalesHeadSince5: true,
  startId: null,
});

/**
 * mT5, the multilingual T5 v1.1, in Hugging Face folders.
 *
 * @see Xue et al. 2020, mT5, arXiv:2010.11934; Hugging Face transformers: models/mt5/configuration_mt5.py.
 */
export const mt5Family = classifying({
  modelType: "mt5",
  className: "MT5",
  vocabSize: 250112,
  dFF: 1024,
  numLayers: 8,
  numHeads: 6,
  feedForward: "gated-gelu",
  tieHead: false,
  scalesHeadSince5: false,
  startId: 0,
});
