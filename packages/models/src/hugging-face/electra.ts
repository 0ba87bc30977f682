import { activationNames } from "../activations.ts";
import { pooler } from "../bert.ts";
import { isUnusedTable } from "./bert.ts";
import {
  bertBodyRows,
  bertFloatKeys,
  classifierDropout,
  readBertBody,
  span,
  tags,
  words,
  writeBertBody,
} from "./bert-body.ts";
import { encoderFamily } from "./bert-like.ts";

const defaults = { vocabSize: 30522, dModel: 256, numLayers: 12, numHeads: 4, dFF: 1024, paddingId: 0 };

/**
 * ELECTRA, generator and discriminator, with its heads in Hugging Face folders.
 *
 * @see Hugging Face transformers: models/electra/configuration_electra.py and modeling_electra.py.
 */
export const electraFamily = encoderFamily({
  modelType: "electra",
  prefix: "electra.",
  classes: {
    ElectraForPreTraining: ["replaced"],
    ElectraForMaskedLM: ["words"],
    ElectraModel: [],
    ElectraForSequenceClassification: ["classes"],
    ElectraForTokenClassification: ["tags"],
    ElectraForQuestionAnswering: ["span"],
    ElectraForMultipleChoice: ["choice"],
    ElectraForCausalLM: ["words"],
  },
  bare: "ElectraModel",
  heads: {
    replaced: {
      rows: { dense: "discriminator_predictions.dense", out: "discriminator_predictions.dense_prediction" },
      config: ({ dModel, activation = "gelu" }) => ({ tokens: "each", dense: { dOut: dModel, activation }, out: 1 }),
    },
    words: {
      rows: { dense: "generator_predictions.dense", norm: "generator_predictions.LayerNorm" },
      vocabularyBias: "generator_lm_head.bias",
      config: (body) => words(body, "gelu"),
    },
    classes: {
      rows: { dense: "classifier.dense", out: "classifier.out_proj" },
      config: (body, read) => {
        const dropout = classifierDropout(body, read);
        return {
          ...pooler(body),
          dense: { dOut: body.dModel, activation: "gelu" },
          ...{ dropoutBefore: dropout, dropout, out: read.labels() },
        };
      },
    },
    tags: tags(),
    span,
    choice: {
      rows: { dense: "sequence_summary.summary", out: "classifier" },
      config: ({ dModel }, read) => {
        read.only("summary_type", "first");
        read.only("summary_use_proj", true);
        read.only("summary_proj_to_labels", false);
        return {
          tokens: "first",
          dropoutBefore: read.number("summary_first_dropout", 0, 0, 1),
          dense: { dOut: dModel, activation: read.choice("summary_activation", activationNames, "gelu") },
          dropout: read.number("summary_last_dropout", 0.1, 0, 1),
          out: 1,
        };
      },
    },
  },
  readBody: (read) => {
    read.ignore("summary_type", "summary_use_proj", "summary_proj_to_labels", "summary_activation");
    read.ignore("summary_first_dropout", "summary_last_dropout");
    return { ...readBertBody(read, defaults), dEmbedding: read.count("embedding_size", 128) };
  },
  writeBody: ({ dEmbedding, ...config }) => ({ ...writeBertBody(config), embedding_size: dEmbedding ?? config.dModel }),
  writeHeads: ({ classes, tags: labels, choice }) => ({
    classifier_dropout: (classes ?? labels)?.dropout ?? null,
    summary_activation: choice?.dense?.activation ?? "gelu",
    ...(choice?.dropoutBefore && { summary_first_dropout: choice.dropoutBefore }),
    summary_last_dropout: choice?.dropout ?? 0.1,
    summary_type: "first",
    summary_use_proj: true,
  }),
  bodyRows: bertBodyRows,
  embedding: "embeddings.word_embeddings.weight",
  tiedCopies: { weight: "generator_lm_head.weight", bias: "generator_lm_head.bias" },
  floatKeys: [...bertFloatKeys, "summary_last_dropout", "summary_first_dropout"],
  isIgnored: isUnusedTable,
});
