import { type BertConfig, groupOfLayer, pooler } from "../bert.ts";
import { type BodyDefaults, readBertBody, span, tags, words, writeBertBody } from "./bert-body.ts";
import { type BodyConfig, both, encoderFamily, type HeadTraits } from "./bert-like.ts";
import type { ConfigReader } from "./config-reader.ts";
import type { WeightRow } from "./family.ts";

const defaults: BodyDefaults = {
  ...{ vocabSize: 30000, dModel: 4096, numLayers: 12, numHeads: 64, dFF: 16384, paddingId: 0 },
  ...{ activation: "gelu_new", dropout: 0 },
};

/** Dropout falls behind attention only. Old files name plans that never came: memory blocks, gaps between shared layers. */
function readBody(read: ConfigReader): BodyConfig {
  for (const key of ["net_structure_type", "gap_size", "num_memory_blocks"]) read.only(key, 0);
  read.only("down_scale_factor", 1);
  read.only("layers_to_keep", []);
  read.only("position_embedding_type", "absolute");
  read.ignore("classifier_dropout_prob");
  return {
    ...readBertBody(read, defaults),
    dEmbedding: read.count("embedding_size", 128),
    projectEmbedding: true,
    sharing: { numGroups: read.count("num_hidden_groups", 1), layersPerGroup: read.count("inner_group_num", 1) },
    dropoutBranches: "attention",
  };
}

const classifierDropout = (_: BodyConfig, read: ConfigReader): number =>
  read.numberOrNull("classifier_dropout_prob", 0.1, 0, 1);

const pooled = (out: string, labels: (read: ConfigReader) => number): HeadTraits => ({
  rows: { dense: "@pooler", out },
  config: (body, read) => ({ ...pooler(body), dropout: classifierDropout(body, read), out: labels(read) }),
});

/** Layers whose weights are shared stand in files once, under their group; here under the first place they have. */
function bodyRows({ numLayers, sharing }: BertConfig): WeightRow[] {
  const { numGroups, layersPerGroup } = sharing!;
  const rows: WeightRow[] = [
    { ours: "encoder.embedding.tokens.weight", theirs: "embeddings.word_embeddings.weight" },
    { ours: "encoder.embedding.segments.weight", theirs: "embeddings.token_type_embeddings.weight" },
    { ours: "encoder.embedding.position.table", theirs: "embeddings.position_embeddings.weight" },
    ...both("encoder.embeddingNorm", "embeddings.LayerNorm", "gain"),
    ...both("encoder.embeddingProjection", "encoder.embedding_hidden_mapping_in"),
  ];
  const groups = Array.from({ length: numLayers }, (_, layer) => groupOfLayer(layer, numLayers, numGroups));
  for (let group = 0; group < numGroups; group++) {
    const firstLayer = groups.indexOf(group);
    for (let inner = 0; inner < layersPerGroup; inner++) {
      const block = (ours: string, theirs: string, gain?: string) =>
        both(
          `encoder.blocks.${firstLayer * layersPerGroup + inner}.${ours}`,
          `encoder.albert_layer_groups.${group}.albert_layers.${inner}.${theirs}`,
          gain,
        );
      rows.push(
        ...block("attention.projection.query", "attention.query"),
        ...block("attention.projection.key", "attention.key"),
        ...block("attention.projection.value", "attention.value"),
        ...block("attention.output", "attention.dense"),
        ...block("norm1", "attention.LayerNorm", "gain"),
        ...block("feedForward.expand", "ffn"),
        ...block("feedForward.contract", "ffn_output"),
        ...block("norm2", "full_layer_layer_norm", "gain"),
      );
    }
  }
  return rows;
}

/**
 * ALBERT with its heads in Hugging Face folders.
 *
 * @see Hugging Face transformers: models/albert/configuration_albert.py and modeling_albert.py.
 */
export const albertFamily = encoderFamily({
  modelType: "albert",
  prefix: "albert.",
  classes: {
    AlbertForPreTraining: ["words", "order"],
    AlbertForMaskedLM: ["words"],
    AlbertModel: ["pooled"],
    AlbertForSequenceClassification: ["classes"],
    AlbertForTokenClassification: ["tags"],
    AlbertForQuestionAnswering: ["span"],
    AlbertForMultipleChoice: ["choice"],
  },
  bare: "AlbertModel",
  heads: {
    words: {
      rows: { dense: "predictions.dense", norm: "predictions.LayerNorm" },
      vocabularyBias: "predictions.bias",
      config: (body) => words(body, body.activation),
    },
    order: pooled("sop_classifier.classifier", (read) => read.labels()),
    pooled: { rows: { dense: "@pooler" }, config: pooler },
    classes: pooled("classifier", (read) => read.labels()),
    tags: tags(classifierDropout),
    span,
    choice: pooled("classifier", () => 1),
  },
  readBody,
  writeBody: ({ dEmbedding, sharing, ...config }) => ({
    ...writeBertBody(config),
    embedding_size: dEmbedding ?? config.dModel,
    inner_group_num: sharing?.layersPerGroup ?? 1,
    num_hidden_groups: sharing?.numGroups ?? config.numLayers,
  }),
  writeHeads: ({ classes, tags: labels, choice, order }) => ({
    classifier_dropout_prob: (classes ?? labels ?? choice ?? order)?.dropout ?? 0.1,
  }),
  bodyRows,
  embedding: "embeddings.word_embeddings.weight",
  tiedCopies: { weight: "predictions.decoder.weight", bias: "predictions.decoder.bias" },
  // Python's own defaults of the other rates are whole numbers.
  floatKeys: ["classifier_dropout_prob", "initializer_range", "layer_norm_eps"],
  // Public checkpoints of the masked model have both heads of pretraining.
  isIgnored: (name, { heads = {} }) =>
    "words" in heads && !("order" in heads) && /^(pooler|sop_classifier\.classifier)\.(weight|bias)$/.test(name),
});
