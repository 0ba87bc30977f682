import type { JsonObject } from "@heed/checkpoints";
import { activationNames } from "../activations.ts";
import type { BertConfig } from "../bert.ts";
import type { HeadConfig } from "../states-head.ts";
import { type BodyConfig, both, type HeadTraits } from "./bert-like.ts";
import type { ConfigReader } from "./config-reader.ts";
import type { WeightRow } from "./family.ts";

/** Values of absent keys. */
export interface BodyDefaults {
  readonly vocabSize: number;
  readonly dModel: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly dFF: number;
  readonly paddingId: number;
  readonly activation?: BertConfig["activation"];
  readonly dropout?: number;
}

const positionTypes = { absolute: "absolute", relative_key: "relative", relative_key_query: "relative-both" } as const;

/** The keys that BERT, RoBERTa, ELECTRA and ALBERT share. */
export function readBertBody(read: ConfigReader, defaults: BodyDefaults): BodyConfig {
  const { dropout = 0.1, activation = "gelu" } = defaults;
  const types = Object.keys(positionTypes) as (keyof typeof positionTypes)[];
  // What only the text of a checkpoint's card reads, and the directions in which it was trained.
  read.ignore("pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head");
  read.ignore("pooler_type", "directionality", "classifier_dropout");
  const paddingId =
    read.get("pad_token_id") === null ? {} : { paddingId: read.whole("pad_token_id", defaults.paddingId) };
  return {
    vocabSize: read.count("vocab_size", defaults.vocabSize),
    maxSeqLen: read.count("max_position_embeddings", 512),
    dModel: read.count("hidden_size", defaults.dModel),
    numLayers: read.count("num_hidden_layers", defaults.numLayers),
    numHeads: read.count("num_attention_heads", defaults.numHeads),
    dFF: read.count("intermediate_size", defaults.dFF),
    activation: read.choice("hidden_act", activationNames, activation),
    numSegments: read.count("type_vocab_size", 2),
    positions: positionTypes[read.choice("position_embedding_type", types, "absolute")],
    ...paddingId,
    layerNormEpsilon: read.number("layer_norm_eps", 1e-12),
    dropout: read.number("hidden_dropout_prob", dropout, 0, 1),
    attentionDropout: read.number("attention_probs_dropout_prob", dropout, 0, 1),
    initStd: read.number("initializer_range", 0.02),
  };
}

/** The reverse of {@link readBertBody}. */
export function writeBertBody(config: BodyConfig): JsonObject {
  const { positions = "absolute" } = config;
  const type = Object.entries(positionTypes).find(([, ours]) => ours === positions)![0];
  return {
    attention_probs_dropout_prob: config.attentionDropout ?? 0,
    hidden_act: config.activation ?? "gelu",
    hidden_dropout_prob: config.dropout ?? 0,
    hidden_size: config.dModel,
    initializer_range: config.initStd ?? 0.02,
    intermediate_size: config.dFF,
    layer_norm_eps: config.layerNormEpsilon ?? 1e-12,
    max_position_embeddings: config.maxSeqLen,
    num_attention_heads: config.numHeads,
    num_hidden_layers: config.numLayers,
    pad_token_id: config.paddingId ?? null,
    position_embedding_type: type,
    type_vocab_size: config.numSegments ?? 2,
    use_cache: true,
    vocab_size: config.vocabSize,
  };
}

export const bertFloatKeys = [
  "attention_probs_dropout_prob",
  "classifier_dropout",
  "hidden_dropout_prob",
  "initializer_range",
  "layer_norm_eps",
];

/** Names of BERT's body, as RoBERTa and ELECTRA have them too. Distances run the other way there: query less key. */
export function bertBodyRows({ maxSeqLen }: BertConfig): WeightRow[] {
  const block = (ours: string, theirs: string, gain?: string) =>
    both(`encoder.blocks.*.${ours}`, `encoder.layer.*.${theirs}`, gain);
  const distances = 2 * maxSeqLen - 1;
  return [
    { ours: "encoder.embedding.tokens.weight", theirs: "embeddings.word_embeddings.weight" },
    { ours: "encoder.embedding.segments.weight", theirs: "embeddings.token_type_embeddings.weight" },
    { ours: "encoder.embedding.position.table", theirs: "embeddings.position_embeddings.weight" },
    ...both("encoder.embeddingNorm", "embeddings.LayerNorm", "gain"),
    ...both("encoder.embeddingProjection", "embeddings_project"),
    ...block("attention.projection.query", "attention.self.query"),
    ...block("attention.projection.key", "attention.self.key"),
    ...block("attention.projection.value", "attention.self.value"),
    ...block("attention.output", "attention.output.dense"),
    {
      ours: "encoder.blocks.*.attention.position.keys",
      theirs: "encoder.layer.*.attention.self.distance_embedding.weight",
      rows: Array.from({ length: distances }, (_, i) => distances - 1 - i),
    },
    ...block("norm1", "attention.output.LayerNorm", "gain"),
    ...block("feedForward.expand", "intermediate.dense"),
    ...block("feedForward.contract", "output.dense"),
    ...block("norm2", "output.LayerNorm", "gain"),
  ];
}

/** Of classifiers: their own, else that of the body. */
export const classifierDropout = ({ dropout = 0 }: BodyConfig, read: ConfigReader): number =>
  read.numberOrNull("classifier_dropout", dropout, 0, 1);

/** Heads that every family has: labels of tokens, and the ends of an answer. */
export const tags = (dropout: (body: BodyConfig, read: ConfigReader) => number = classifierDropout): HeadTraits => ({
  rows: { out: "classifier" },
  config: (body, read) => ({ tokens: "each", dropout: dropout(body, read), out: read.labels() }),
});

export const span: HeadTraits = { rows: { out: "qa_outputs" }, config: () => ({ tokens: "each", out: 2 }) };

/** A head over the vocabulary: a layer, a norm, and the token embedding. */
export const words = (
  { dModel, dEmbedding = dModel }: BodyConfig,
  activation: BertConfig["activation"],
): HeadConfig => ({
  tokens: "each",
  dense: { dOut: dEmbedding, activation: activation ?? "gelu" },
  norm: true,
  out: "vocabulary",
});
