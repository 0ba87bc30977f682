import { activationNames } from "../activations.ts";
import type { BertConfig } from "../bert.ts";
import { span, tags, words } from "./bert-body.ts";
import { type BodyConfig, both, encoderFamily, type HeadTraits } from "./bert-like.ts";
import type { ConfigReader } from "./config-reader.ts";
import type { WeightRow } from "./family.ts";

/** Dropout falls behind feed-forward layers only; the table of positions is loaded, whether it began as sinusoids or not. */
function readBody(read: ConfigReader): BodyConfig {
  read.ignore("sinusoidal_pos_embds", "tie_weights_", "qa_dropout", "seq_classif_dropout");
  return {
    vocabSize: read.count("vocab_size", 30522),
    maxSeqLen: read.count("max_position_embeddings", 512),
    dModel: read.count("dim", 768, "hidden_size"),
    numLayers: read.count("n_layers", 6, "num_hidden_layers"),
    numHeads: read.count("n_heads", 12, "num_attention_heads"),
    dFF: read.count("hidden_dim", 4 * 768),
    activation: read.choice("activation", activationNames, "gelu"),
    numSegments: 0,
    ...(read.get("pad_token_id") !== null && { paddingId: read.whole("pad_token_id", 0) }),
    layerNormEpsilon: 1e-12,
    dropout: read.number("dropout", 0.1, 0, 1),
    dropoutBranches: "feed-forward",
    attentionDropout: read.number("attention_dropout", 0.1, 0, 1),
    initStd: read.number("initializer_range", 0.02),
  };
}

const writeBody = (config: BodyConfig) => ({
  activation: config.activation ?? "gelu",
  attention_dropout: config.attentionDropout ?? 0,
  dim: config.dModel,
  dropout: config.dropout ?? 0,
  hidden_dim: config.dFF,
  initializer_range: config.initStd ?? 0.02,
  max_position_embeddings: config.maxSeqLen,
  n_heads: config.numHeads,
  n_layers: config.numLayers,
  pad_token_id: config.paddingId ?? null,
  sinusoidal_pos_embds: false,
  tie_weights_: true,
  vocab_size: config.vocabSize,
});

function bodyRows(): WeightRow[] {
  const block = (ours: string, theirs: string, gain?: string) =>
    both(`encoder.blocks.*.${ours}`, `transformer.layer.*.${theirs}`, gain);
  return [
    { ours: "encoder.embedding.tokens.weight", theirs: "embeddings.word_embeddings.weight" },
    { ours: "encoder.embedding.position.table", theirs: "embeddings.position_embeddings.weight" },
    ...both("encoder.embeddingNorm", "embeddings.LayerNorm", "gain"),
    ...block("attention.projection.query", "attention.q_lin"),
    ...block("attention.projection.key", "attention.k_lin"),
    ...block("attention.projection.value", "attention.v_lin"),
    ...block("attention.output", "attention.out_lin"),
    ...block("norm1", "sa_layer_norm", "gain"),
    ...block("feedForward.expand", "ffn.lin1"),
    ...block("feedForward.contract", "ffn.lin2"),
    ...block("norm2", "output_layer_norm", "gain"),
  ];
}

const first = (out: (read: ConfigReader) => number): HeadTraits => ({
  rows: { dense: "pre_classifier", out: "classifier" },
  config: ({ dModel }, read) => ({
    tokens: "first",
    dense: { dOut: dModel, activation: "relu" },
    dropout: read.number("seq_classif_dropout", 0.2, 0, 1),
    out: out(read),
  }),
});

/**
 * DistilBERT with its heads in Hugging Face folders.
 *
 * @see Hugging Face transformers: models/distilbert/configuration_distilbert.py and modeling_distilbert.py.
 */
export const distilbertFamily = encoderFamily({
  modelType: "distilbert",
  prefix: "distilbert.",
  classes: {
    DistilBertForMaskedLM: ["words"],
    DistilBertModel: [],
    DistilBertForSequenceClassification: ["classes"],
    DistilBertForTokenClassification: ["tags"],
    DistilBertForQuestionAnswering: ["span"],
    DistilBertForMultipleChoice: ["choice"],
  },
  bare: "DistilBertModel",
  heads: {
    words: {
      rows: { dense: "vocab_transform", norm: "vocab_layer_norm" },
      vocabularyBias: "vocab_projector.bias",
      config: (body) => words(body, body.activation),
    },
    classes: first((read) => read.labels()),
    tags: tags(({ dropout = 0 }) => dropout),
    span: {
      ...span,
      config: (_, read) => ({ tokens: "each", dropout: read.number("qa_dropout", 0.1, 0, 1), out: 2 }),
    },
    choice: first(() => 1),
  },
  readBody,
  writeBody,
  writeHeads: ({ classes, choice, span: answer }) => ({
    qa_dropout: answer?.dropout ?? 0.1,
    seq_classif_dropout: (classes ?? choice)?.dropout ?? 0.2,
  }),
  bodyRows: (_: BertConfig) => bodyRows(),
  embedding: "embeddings.word_embeddings.weight",
  tiedCopies: { weight: "vocab_projector.weight", bias: "vocab_projector.bias" },
  floatKeys: ["attention_dropout", "dropout", "initializer_range", "qa_dropout", "seq_classif_dropout"],
});
