import type { BartConfig } from "../bart.ts";
import { bartLike, headless } from "./bart-like.ts";
import { withSourceHeads } from "./source-heads.ts";

const std = ({ initStd = 0.02 }: BartConfig): number => initStd;

/**
 * BART in Hugging Face folders, also with a head for labels of texts or for the ends of an answer.
 *
 * @see Hugging Face transformers: models/bart/configuration_bart.py and modeling_bart.py.
 */
export const bartFamily = withSourceHeads(
  bartLike({
    modelType: "bart",
    architectures: ["BartForConditionalGeneration", "BartModel"],
    parts: { positions: "learned", positionOffset: 2, embeddingNorm: true, preNorm: false },
    ...{ vocabSize: 50265, paddingId: 1, startId: 2, endId: 2 },
  }),
  {
    ...{ className: "Bart", build: headless, std, alwaysTwoEnds: true },
    defaults: { numLabels: 3, paddingId: 1, startId: 2, endId: 2 },
  },
);

/**
 * mBART, with norms before the branches, in Hugging Face folders, with the heads of BART too.
 *
 * @see Hugging Face transformers: models/mbart/configuration_mbart.py and modeling_mbart.py.
 */
export const mbartFamily = withSourceHeads(
  bartLike({
    modelType: "mbart",
    architectures: ["MBartForConditionalGeneration", "MBartModel"],
    parts: { positions: "learned", positionOffset: 2, embeddingNorm: true, preNorm: true },
    ...{ vocabSize: 50265, paddingId: 1, startId: null, endId: 2 },
  }),
  {
    ...{ className: "MBart", build: headless, std, alwaysTwoEnds: true },
    defaults: { numLabels: 2, paddingId: 1, startId: "last", endId: 2 },
  },
);

/**
 * Pegasus, with norms before the branches and fixed positions, in Hugging Face folders.
 *
 * @see Hugging Face transformers: models/pegasus/configuration_pegasus.py and modeling_pegasus.py.
 */
export const pegasusFamily = bartLike({
  modelType: "pegasus",
  architectures: ["PegasusForConditionalGeneration", "PegasusModel"],
  parts: { positions: "sinusoidal", embeddingNorm: false, preNorm: true },
  ...{ vocabSize: 50265, paddingId: 0, startId: 0, endId: 1 },
});
