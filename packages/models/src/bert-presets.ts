import type { BertConfig } from "./bert.ts";

const base = { dModel: 768, numLayers: 12, numHeads: 12, dFF: 3072 } as const;
const large = { dModel: 1024, numLayers: 24, numHeads: 16, dFF: 4096 } as const;
const bertSizes = { vocabSize: 30522, maxSeqLen: 512, paddingId: 0, dropout: 0.1, attentionDropout: 0.1 } as const;
const robertaSizes = {
  ...bertSizes,
  vocabSize: 50265,
  numSegments: 1,
  paddingId: 1,
  countRealTokens: true,
  layerNormEpsilon: 1e-5,
} as const;
const albertSizes = {
  vocabSize: 30000,
  maxSeqLen: 512,
  paddingId: 0,
  dEmbedding: 128,
  projectEmbedding: true,
  activation: "gelu_new",
  sharing: { numGroups: 1, layersPerGroup: 1 },
  dropoutBranches: "attention",
} as const;

/**
 * Published sizes of BERT and its relatives. Parameters of the encoder, with its pooler where it has one, each weight once:
 * bert-base 109,482,240, bert-large 335,141,888, roberta-base 124,645,632, roberta-large 355,359,744, distilbert-base
 * 66,362,880, electra-small 13,483,008, electra-base 108,891,648, albert-base 11,683,584, albert-large 17,683,968.
 *
 * @see Devlin et al. 2018, section 3, arXiv:1810.04805; Liu et al. 2019, arXiv:1907.11692; Sanh et al. 2019, arXiv:1910.01108;
 *   Clark et al. 2020, arXiv:2003.10555; Lan et al. 2019, table 1, arXiv:1909.11942. The counts are those of the public English
 *   checkpoints, BERT's and its small relatives' uncased, ELECTRA's of the discriminator.
 */
export const bertPresets = {
  "bert-base": { ...bertSizes, ...base },
  "bert-large": { ...bertSizes, ...large },
  "roberta-base": { ...robertaSizes, ...base },
  "roberta-large": { ...robertaSizes, ...large },
  "distilbert-base": {
    ...bertSizes,
    ...base,
    numLayers: 6,
    numSegments: 0,
    dropoutBranches: "feed-forward",
    heads: {},
  },
  "electra-small": { ...bertSizes, dModel: 256, dEmbedding: 128, numLayers: 12, numHeads: 4, dFF: 1024, heads: {} },
  "electra-base": { ...bertSizes, ...base, heads: {} },
  "albert-base": { ...albertSizes, ...base },
  "albert-large": { ...albertSizes, ...large },
} as const satisfies Readonly<Record<string, BertConfig>>;

/** Name of a preset. */
export type BertPresetName = keyof typeof bertPresets;
