import type { BertConfig } from "../bert.ts";
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
import { type BodyConfig, encoderFamily } from "./bert-like.ts";
import type { ConfigReader } from "./config-reader.ts";

/** The table of positions begins with rows that no real token has: positions count from behind the padding token's row. */
function readBody(read: ConfigReader, vocabSize: number): BodyConfig {
  const body = readBertBody(read, { vocabSize, dModel: 768, numLayers: 12, numHeads: 12, dFF: 3072, paddingId: 1 });
  const { positions, maxSeqLen, paddingId } = body;
  if (positions !== "absolute") return body;
  if (paddingId === undefined) return read.refuse("pad_token_id", "a token id: positions count from it", null);
  if (maxSeqLen <= paddingId + 1)
    return read.refuse("max_position_embeddings", `more than ${paddingId + 1} (pad_token_id + 1)`, maxSeqLen);
  return { ...body, maxSeqLen: maxSeqLen - paddingId - 1, countRealTokens: true };
}

/** RoBERTa's classes under another name of the model type and of the classes. */
function robertaFamilyOf(modelType: string, name: string, vocabSize = 30522) {
  return encoderFamily({
    modelType,
    prefix: "roberta.",
    classes: {
      [`${name}ForMaskedLM`]: ["words"],
      [`${name}Model`]: ["pooled"],
      [`${name}ForSequenceClassification`]: ["classes"],
      [`${name}ForTokenClassification`]: ["tags"],
      [`${name}ForQuestionAnswering`]: ["span"],
      [`${name}ForMultipleChoice`]: ["choice"],
      [`${name}ForCausalLM`]: ["words"],
    },
    bare: `${name}Model`,
    heads: {
      words: {
        rows: { dense: "lm_head.dense", norm: "lm_head.layer_norm" },
        vocabularyBias: "lm_head.bias",
        config: (body) => words(body, "gelu"),
      },
      pooled: { rows: { dense: "@pooler.dense" }, config: pooler },
      classes: {
        rows: { dense: "classifier.dense", out: "classifier.out_proj" },
        config: (body, read) => {
          const dropout = classifierDropout(body, read);
          return { ...pooler(body), dropoutBefore: dropout, dropout, out: read.labels() };
        },
      },
      tags: tags(),
      span,
      choice: {
        rows: { dense: "@pooler.dense", out: "classifier" },
        config: (body) => ({ ...pooler(body), dropout: body.dropout ?? 0, out: 1 }),
      },
    },
    readBody: (read) => readBody(read, vocabSize),
    writeBody: ({ countRealTokens = false, ...config }) => ({
      ...writeBertBody(config),
      max_position_embeddings: config.maxSeqLen + (countRealTokens ? config.paddingId! + 1 : 0),
    }),
    writeHeads: ({ classes, tags: labels }) => ({ classifier_dropout: (classes ?? labels)?.dropout ?? null }),
    bodyRows: bertBodyRows,
    embedding: "embeddings.word_embeddings.weight",
    tiedCopies: { weight: "lm_head.decoder.weight", bias: "lm_head.decoder.bias" },
    floatKeys: bertFloatKeys,
    // Public checkpoints of the masked model have a pooler that was never trained.
    isIgnored: (weight, config: BertConfig) =>
      isUnusedTable(weight, config) ||
      ("words" in (config.heads ?? {}) && /^pooler\.dense\.(weight|bias)$/.test(weight)),
  });
}

/**
 * RoBERTa with its heads in Hugging Face folders.
 *
 * @see Hugging Face transformers: models/roberta/configuration_roberta.py and modeling_roberta.py.
 */
export const robertaFamily = robertaFamilyOf("roberta", "Roberta", 50265);

/**
 * XLM-RoBERTa, RoBERTa on a hundred languages, in Hugging Face folders.
 *
 * @see Conneau et al. 2019, arXiv:1911.02116; Hugging Face transformers: models/xlm_roberta.
 */
export const xlmRobertaFamily = robertaFamilyOf("xlm-roberta", "XLMRoberta");

/**
 * CamemBERT, RoBERTa in French, in Hugging Face folders.
 *
 * @see Martin et al. 2019, arXiv:1911.03894; Hugging Face transformers: models/camembert.
 */
export const camembertFamily = robertaFamilyOf("camembert", "Camembert");
