import type { JsonObject } from "@heed/checkpoints";
import type { Rng } from "@heed/tensor";
import { activationNames } from "../activations.ts";
import { type BartConfig, bart } from "../bart.ts";
import type { EncoderDecoder } from "../encoder-decoder.ts";
import type { StackSizes } from "../encoder-decoder-blocks.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ModelFamily, WeightRow } from "./family.ts";

/** What differs between BART and its relatives: parts by data, names and defaults. */
export interface BartTraits {
  readonly modelType: string;
  /** the class with a head, and the one without */
  readonly architectures: readonly [string, string];
  readonly parts: Pick<BartConfig, "positions" | "positionOffset" | "embeddingNorm" | "preNorm">;
  /** of an absent key; sizes default to those of BART */
  readonly vocabSize: number;
  readonly paddingId: number;
  readonly startId: number | null;
  readonly endId: number;
  /** source and target may have vocabularies of their own; default false */
  readonly ownVocabularies?: boolean;
}

const largest = { numLayers: 12, numHeads: 16, dFF: 4096 };

function readSizes(read: ConfigReader, part: "encoder" | "decoder"): StackSizes {
  const isEncoder = part === "encoder";
  return {
    numLayers: read.count(`${part}_layers`, largest.numLayers, isEncoder ? "num_hidden_layers" : undefined),
    numHeads: read.count(`${part}_attention_heads`, largest.numHeads, isEncoder ? "num_attention_heads" : undefined),
    dFF: read.count(`${part}_ffn_dim`, largest.dFF),
  };
}

/** Keys of older files, which say what the class fixes; other values would be another model. */
function refuseOtherParts(read: ConfigReader, { embeddingNorm = true, preNorm = false, positions }: BartConfig): void {
  read.only("normalize_before", preNorm);
  read.only("add_final_layer_norm", preNorm);
  read.only("normalize_embedding", embeddingNorm);
  read.only("static_position_embeddings", positions === "sinusoidal");
  read.only("add_bias_logits", false);
  read.only("encoder_layerdrop", 0);
  read.only("decoder_layerdrop", 0);
  read.only("is_encoder_decoder", true);
  read.only("is_decoder", false);
  read.ignore("classifier_dropout", "classif_dropout", "extra_pos_embeddings", "force_bos_token_to_be_generated");
}

function readTargetVocabSize(read: ConfigReader, vocabSize: number): Pick<BartConfig, "targetVocabSize"> {
  const size = read.countOrNull("decoder_vocab_size", vocabSize);
  return read.boolean("share_encoder_decoder_embeddings", true) ? {} : { targetVocabSize: size };
}

function readConfig(traits: BartTraits, json: JsonObject, architecture: string): BartConfig {
  const read = new ConfigReader(traits.modelType, json);
  const vocabSize = read.count("vocab_size", traits.vocabSize);
  const tieHead = read.boolean("tie_word_embeddings", true);
  const hasHead = architecture === traits.architectures[0];
  const paddingId = read.get("pad_token_id");
  const config: BartConfig = {
    vocabSize,
    ...(traits.ownVocabularies && readTargetVocabSize(read, vocabSize)),
    maxSeqLen: read.count("max_position_embeddings", 1024),
    dModel: read.count("d_model", 1024, "hidden_size"),
    encoder: readSizes(read, "encoder"),
    decoder: readSizes(read, "decoder"),
    activation: read.choice("activation_function", activationNames, "gelu"),
    ...traits.parts,
    scaleEmbedding: read.boolean("scale_embedding", false),
    ...(paddingId !== null && { paddingId: read.whole("pad_token_id", traits.paddingId) }),
    dropout: read.number("dropout", 0.1, 0, 1),
    attentionDropout: read.number("attention_dropout", 0, 0, 1),
    activationDropout: read.number("activation_dropout", 0, 0, 1),
    initStd: read.number("init_std", 0.02),
    ...(hasHead ? { tieHead } : { logitsBias: false, ...(!tieHead && { tieHead }) }),
  };
  refuseOtherParts(read, config);
  read.finish();
  return config;
}

function writeConfig(traits: BartTraits, config: BartConfig): JsonObject {
  const { encoder, decoder, vocabSize, targetVocabSize, paddingId = null } = config;
  const { ownVocabularies, startId, endId } = traits;
  return {
    activation_dropout: config.activationDropout ?? 0,
    activation_function: config.activation ?? "gelu",
    architectures: [traits.architectures[config.logitsBias === false ? 1 : 0]],
    attention_dropout: config.attentionDropout ?? 0,
    d_model: config.dModel,
    decoder_attention_heads: decoder.numHeads,
    decoder_ffn_dim: decoder.dFF,
    decoder_layerdrop: 0,
    decoder_layers: decoder.numLayers,
    ...(startId !== null && { decoder_start_token_id: startId < 0 ? paddingId : startId }),
    ...(ownVocabularies && { decoder_vocab_size: targetVocabSize ?? vocabSize }),
    dropout: config.dropout ?? 0,
    encoder_attention_heads: encoder.numHeads,
    encoder_ffn_dim: encoder.dFF,
    encoder_layerdrop: 0,
    encoder_layers: encoder.numLayers,
    eos_token_id: endId,
    init_std: config.initStd ?? 0.02,
    is_encoder_decoder: true,
    max_position_embeddings: config.maxSeqLen,
    model_type: traits.modelType,
    num_hidden_layers: encoder.numLayers,
    pad_token_id: paddingId,
    scale_embedding: config.scaleEmbedding ?? false,
    ...(ownVocabularies && { share_encoder_decoder_embeddings: targetVocabSize === undefined }),
    ...(config.tieHead === false && { tie_word_embeddings: false }),
    torch_dtype: "float32",
    use_cache: true,
    vocab_size: vocabSize,
  };
}

function partRows(part: "encoder" | "decoder"): WeightRow[] {
  const both = (ours: string, theirs: string, gain = "weight"): WeightRow[] => [
    { ours: `${part}.${ours}.${gain}`, theirs: `${part}.${theirs}.weight` },
    { ours: `${part}.${ours}.bias`, theirs: `${part}.${theirs}.bias` },
  ];
  const norm = (ours: string, theirs: string) => both(ours, theirs, "gain");
  const attention = (ours: string, theirs: string): WeightRow[] => [
    ...both(`blocks.*.${ours}.projection.query`, `layers.*.${theirs}.q_proj`),
    ...both(`blocks.*.${ours}.projection.key`, `layers.*.${theirs}.k_proj`),
    ...both(`blocks.*.${ours}.projection.value`, `layers.*.${theirs}.v_proj`),
    ...both(`blocks.*.${ours}.output`, `layers.*.${theirs}.out_proj`),
  ];
  return [
    { ours: `${part}.embedding.position.table`, theirs: `${part}.embed_positions.weight` },
    ...norm("embeddingNorm", "layernorm_embedding"),
    ...norm("blocks.*.norm1", "layers.*.self_attn_layer_norm"),
    ...attention("attention", "self_attn"),
    ...norm("blocks.*.crossNorm", "layers.*.encoder_attn_layer_norm"),
    ...attention("crossAttention", "encoder_attn"),
    ...norm("blocks.*.norm2", "layers.*.final_layer_norm"),
    ...both("blocks.*.feedForward.expand", "layers.*.fc1"),
    ...both("blocks.*.feedForward.contract", "layers.*.fc2"),
    ...norm("norm", "layer_norm"),
  ];
}

const embeddingName = (part: "encoder" | "decoder", { targetVocabSize }: BartConfig): string =>
  targetVocabSize === undefined ? "shared.weight" : `${part}.embed_tokens.weight`;

const weights = (config: BartConfig): WeightRow[] => [
  { ours: "encoder.embedding.tokens.weight", theirs: embeddingName("encoder", config) },
  { ours: "decoder.embedding.tokens.weight", theirs: embeddingName("decoder", config) },
  ...partRows("encoder"),
  ...partRows("decoder"),
  { ours: "head.weight", theirs: "lm_head.weight", outside: true },
  {
    ours: "head.fixedBias",
    theirs: "final_logits_bias",
    outside: true,
    shape: [1, config.targetVocabSize ?? config.vocabSize],
  },
];

/** Without a head of its own; whether one would be tied only says whether the embeddings are. */
export const headless = (config: BartConfig, rng: Rng | null): EncoderDecoder =>
  bart({ ...config, tieHead: true }, rng);

/** Embeddings of both stacks repeat the shared one, except that newer classes of BART leave all untied together with the head. */
function copies({ ownVocabularies = false }: BartTraits, config: BartConfig): Map<string, string> {
  const found = new Map<string, string>();
  if (config.targetVocabSize === undefined && (ownVocabularies || config.tieHead !== false))
    for (const part of ["encoder", "decoder"]) found.set(`${part}.embed_tokens.weight`, "shared.weight");
  if (config.tieHead) found.set("lm_head.weight", embeddingName("decoder", config));
  return found;
}

/** A family whose folders differ from BART's by the traits. */
export function bartLike(traits: BartTraits): ModelFamily<BartConfig, EncoderDecoder> {
  return {
    modelType: traits.modelType,
    architectures: traits.architectures,
    bare: [traits.architectures[1]],
    readConfig: (json, architecture) => readConfig(traits, json, architecture),
    writeConfig: (config) => writeConfig(traits, config),
    floatKeys: [
      "activation_dropout",
      "attention_dropout",
      "classifier_dropout",
      "classif_dropout",
      "decoder_layerdrop",
      "dropout",
      "encoder_layerdrop",
      "init_std",
    ],
    build: (config, rng) => (config.logitsBias === false ? headless(config, rng) : bart(config, rng)),
    numLayers: ({ encoder, decoder }) => encoder.numLayers + decoder.numLayers,
    weights,
    prefix: "model.",
    // Some files hold the table of the sinusoids, and old ones a number of a version.
    isIgnored: (name, { positions }) =>
      /^(encoder|decoder)\.version$/.test(name) ||
      (positions === "sinusoidal" && /^(encoder|decoder)\.embed_positions\.weight$/.test(name)),
    copies: (config) => copies(traits, config),
    isHead: (name) => name === "lm_head.weight" || name === "final_logits_bias",
  };
}
