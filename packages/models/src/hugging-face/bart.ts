import { bartLike } from "./bart-like.ts";

/**
 * BART in Hugging Face folders.
 *
 * @see Hugging Face transformers: models/bart/configuration_bart.py and modeling_bart.py.
 */
export const bartFamily = bartLike({
  modelType: "bart",
  architectures: ["BartForConditionalGeneration", "BartModel"],
  parts: { positions: "learned", positionOffset: 2, embeddingNorm: true, preNorm: false },
  ...{ vocabSize: 50265, paddingId: 1, startId: 2, endId: 2 },
});

/**
 * mBART, with norms before the branches, in Hugging Face folders.
 *
 * @see Hugging Face transformers: models/mbart/configuration_mbart.py and modeling_mbart.py.
 */
export const mbartFamily = bartLike({
  modelType: "mbart",
  architectures: ["MBartForConditionalGeneration", "MBartModel"],
  parts: { positions: "learned", positionOffset: 2, embeddingNorm: true, preNorm: true },
  ...{ vocabSize: 50265, paddingId: 1, startId: null, endId: 2 },
});

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
