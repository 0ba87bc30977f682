import type { BertConfig } from "../bert.ts";
import { pooler } from "../bert.ts";
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
import { encoderFamily, type HeadTraits } from "./bert-like.ts";

const pooled = (out: string, config: HeadTraits["config"]): HeadTraits => ({
  rows: { dense: "@pooler.dense", out },
  config,
});

/** Public checkpoints have both heads of pretraining, whatever class their config.json names. */
const isOfPretraining = (name: string, { heads = {} }: BertConfig): boolean =>
  "words" in heads && !("relation" in heads) && /^(pooler\.dense|cls\.seq_relationship)\.(weight|bias)$/.test(name);

/** Distances in place of positions leave the table of positions unused. */
export const isUnusedTable = (name: string, { positions = "absolute" }: BertConfig): boolean =>
  positions !== "absolute" && name === "embeddings.position_embeddings.weight";

/**
 * BERT with its heads in Hugging Face folders, old names too.
 *
 * @see Hugging Face transformers: models/bert/configuration_bert.py and modeling_bert.py.
 */
export const bertFamily = encoderFamily({
  modelType: "bert",
  prefix: "bert.",
  classes: {
    BertForPreTraining: ["words", "relation"],
    BertForMaskedLM: ["words"],
    BertForNextSentencePrediction: ["relation"],
    BertModel: ["pooled"],
    BertForSequenceClassification: ["classes"],
    BertForTokenClassification: ["tags"],
    BertForQuestionAnswering: ["span"],
    BertForMultipleChoice: ["choice"],
    BertLMHeadModel: ["words"],
  },
  bare: "BertModel",
  heads: {
    words: {
      rows: { dense: "cls.predictions.transform.dense", norm: "cls.predictions.transform.LayerNorm" },
      vocabularyBias: "cls.predictions.bias",
      config: (body) => words(body, body.activation),
    },
    relation: pooled("cls.seq_relationship", (body) => ({ ...pooler(body), out: 2 })),
    pooled: { rows: { dense: "@pooler.dense" }, config: pooler },
    classes: pooled("classifier", (body, read) => ({
      ...pooler(body),
      dropout: classifierDropout(body, read),
      out: read.labels(),
    })),
    tags: tags(),
    span,
    choice: pooled("classifier", (body, read) => ({ ...pooler(body), dropout: classifierDropout(body, read), out: 1 })),
  },
  readBody: (read) =>
    readBertBody(read, { vocabSize: 30522, dModel: 768, numLayers: 12, numHeads: 12, dFF: 3072, paddingId: 0 }),
  writeBody: writeBertBody,
  writeHeads: ({ classes, tags: labels, choice }) => ({
    classifier_dropout: (classes ?? labels ?? choice)?.dropout ?? null,
  }),
  bodyRows: bertBodyRows,
  embedding: "embeddings.word_embeddings.weight",
  tiedCopies: { weight: "cls.predictions.decoder.weight", bias: "cls.predictions.decoder.bias" },
  floatKeys: bertFloatKeys,
  isIgnored: (name, config) => isOfPretraining(name, config) || isUnusedTable(name, config),
});
