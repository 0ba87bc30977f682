import { llamaLike } from "./llama-family.ts";

/**
 * Llama in Hugging Face folders.
 *
 * @see Hugging Face transformers: models/llama/configuration_llama.py and modeling_llama.py.
 */
export const llamaFamily = llamaLike({
  ...{ modelType: "llama", className: "Llama" },
  absent: { vocabSize: 32000, maxSeqLen: 2048, dFF: 11008 },
  read: (read) => ({
    attentionBias: read.boolean("attention_bias", false),
    feedForwardBias: read.boolean("mlp_bias", false),
  }),
  write: ({ attentionBias = false, feedForwardBias = false }) => ({
    attention_bias: attentionBias,
    mlp_bias: feedForwardBias,
  }),
});

/** Mistral: Llama with a window. @see Hugging Face transformers: models/mistral. */
export const mistralFamily = llamaLike({
  ...{ modelType: "mistral", className: "Mistral" },
  absent: { vocabSize: 32000, maxSeqLen: 131072, dFF: 14336, numKvHeads: 8 },
  read: (read) => {
    const windowSize = read.get("sliding_window") === null ? undefined : read.count("sliding_window", 4096);
    return windowSize === undefined ? {} : { windowSize };
  },
  write: ({ windowSize = null }) => ({ sliding_window: windowSize }),
});
