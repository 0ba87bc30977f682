import { bartLike } from "./bart-like.ts";

/**
 * Marian, the classic translation model with fixed positions, in Hugging Face folders; source and target may have vocabularies
 * of their own. A translation begins with the padding token.
 *
 * @see Hugging Face transformers: models/marian/configuration_marian.py and modeling_marian.py.
 */
export const marianFamily = bartLike({
  modelType: "marian",
  architectures: ["MarianMTModel", "MarianModel"],
  parts: { positions: "sinusoidal", embeddingNorm: false, preNorm: false },
  ...{ vocabSize: 58101, paddingId: 58100, startId: -1, endId: 0 },
  ownVocabularies: true,
});
