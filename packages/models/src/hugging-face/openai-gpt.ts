import type { ActivationName } from "../activations.ts";
import { decoderFamily, decoderRows, gptSizes } from "./decoder-family.ts";

const rows = decoderRows(
  {
    ...{ tokens: "tokens_embed", positions: "positions_embed", block: "h.*.", norm1: "ln_1", norm2: "ln_2" },
    ...{ qkv: "attn.c_attn", output: "attn.c_proj", expand: "mlp.c_fc", contract: "mlp.c_proj" },
  },
  { transposed: true },
);

/** What this family calls its activations. */
const activations: Readonly<Record<string, ActivationName>> = {
  gelu: "gelu_new",
  relu: "relu",
  silu: "silu",
  swish: "swish",
};

/**
 * GPT, the first: norms behind each sum, learned positions, no norm at the end.
 *
 * @see Hugging Face transformers: models/openai/configuration_openai.py and modeling_openai.py.
 */
export const openaiGptFamily = decoderFamily({
  ...{ modelType: "openai-gpt", className: "OpenAIGPT", headClass: "OpenAIGPTLMHeadModel" },
  ...{ prefix: "transformer.", tokens: "tokens_embed" },
  read(read) {
    read.ignore("summary_type", "summary_use_proj", "summary_activation", "summary_first_dropout");
    read.ignore("summary_proj_to_labels", "predict_special_tokens");
    const maxSeqLen = read.count("n_positions", 512, "max_position_embeddings");
    if (read.count("n_ctx", maxSeqLen) !== maxSeqLen)
      read.refuse("n_ctx", `${maxSeqLen} (from n_positions)`, read.get("n_ctx"));
    return {
      ...{ vocabSize: read.count("vocab_size", 40478), maxSeqLen, dModel: read.count("n_embd", 768, "hidden_size") },
      numLayers: read.count("n_layer", 12, "num_hidden_layers"),
      numHeads: read.count("n_head", 12, "num_attention_heads"),
      activation: activations[read.choice("afn", Object.keys(activations), "gelu")]!,
      ...{ positions: { kind: "learned" }, placement: "post", finalNorm: false },
      normEpsilon: read.number("layer_norm_epsilon", 1e-5),
      tieHead: read.boolean("tie_word_embeddings", true),
      embeddingDropout: read.number("embd_pdrop", 0.1, 0, 1),
      residualDropout: read.number("resid_pdrop", 0.1, 0, 1),
      attentionDropout: read.number("attn_pdrop", 0.1, 0, 1),
      initStd: read.number("initializer_range", 0.02),
    };
  },
  write: (config) => ({
    ...gptSizes(config),
    afn: Object.keys(activations).find((name) => activations[name] === (config.activation ?? "gelu_new")) ?? "gelu",
  }),
  floatKeys: ["attn_pdrop", "embd_pdrop", "layer_norm_epsilon", "resid_pdrop", "summary_first_dropout"],
  rows: () => rows,
  isIgnored: (name) => /^h\.\d+\.attn\.bias$/.test(name) || name === "position_ids",
});
