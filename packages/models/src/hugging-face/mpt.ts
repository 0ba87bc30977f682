import { decoderFamily, decoderRows } from "./decoder-family.ts";

const names = {
  ...{ tokens: "wte", block: "blocks.*.", norm1: "norm_1", norm2: "norm_2", norm: "norm_f" },
  ...{ qkv: "attn.Wqkv", output: "attn.out_proj", expand: "ffn.up_proj", contract: "ffn.down_proj" },
};

/**
 * MPT: ALiBi, no biases at all, exact gelu; queries, keys and values may be clipped.
 *
 * Dropout goes where its keys say; the original has that of attention everywhere.
 *
 * @see Hugging Face transformers: models/mpt/configuration_mpt.py and modeling_mpt.py.
 */
export const mptFamily = decoderFamily({
  ...{ modelType: "mpt", className: "Mpt", prefix: "transformer.", tokens: "wte" },
  read(read) {
    // The original reads none of these: it has ALiBi alone, and computes in one way.
    read.ignore("init_device", "verbose", "learned_pos_emb", "norm_type", "init_config", "tokenizer_name", "auto_map");
    read.only("no_bias", true);
    read.only("expansion_ratio", 4);
    read.only("embedding_fraction", 1);
    read.only("logit_scale", null);
    const attention = read.nested("attn_config", "mpt's attn_config");
    attention.ignore("attn_impl");
    attention.only("attn_type", "multihead_attention");
    attention.only("alibi", true);
    attention.only("alibi_bias_max", 8);
    for (const key of ["prefix_lm", "qk_ln", "attn_uses_sequence_id"]) attention.only(key, false);
    const clip = attention.numberOrNull("clip_qkv", 0);
    const attentionDropout = attention.number("attn_pdrop", 0, 0, 1);
    const scale = attention.numberOrNull("softmax_scale", Number.NaN, -Infinity);
    attention.finish();
    const dModel = read.count("d_model", 2048, "hidden_size");
    return {
      ...{ vocabSize: read.count("vocab_size", 50368), maxSeqLen: read.count("max_seq_len", 2048), dModel },
      numLayers: read.count("n_layers", 24, "num_hidden_layers"),
      numHeads: read.count("n_heads", 16, "num_attention_heads"),
      ...{ activation: "gelu", positions: { kind: "alibi", order: "mpt" }, norm: "layer without bias" },
      normEpsilon: read.number("layer_norm_epsilon", 1e-5),
      ...{ attentionBias: false, outputBias: false, feedForwardBias: false },
      tieHead: read.boolean("tie_word_embeddings", true),
      ...(!Number.isNaN(scale) && { scale }),
      ...(clip > 0 && { clip }),
      embeddingDropout: read.number("emb_pdrop", 0, 0, 1),
      residualDropout: read.number("resid_pdrop", 0, 0, 1),
      attentionDropout,
      initStd: read.number("initializer_range", 0.02),
    };
  },
  write: (config) => ({
    attn_config: {
      attn_pdrop: config.attentionDropout ?? 0,
      clip_qkv: config.clip ?? null,
      softmax_scale: config.scale ?? null,
    },
    d_model: config.dModel,
    emb_pdrop: config.embeddingDropout ?? 0,
    expansion_ratio: 4,
    initializer_range: config.initStd ?? 0.02,
    layer_norm_epsilon: config.normEpsilon ?? 1e-5,
    max_seq_len: config.maxSeqLen,
    n_heads: config.numHeads,
    n_layers: config.numLayers,
    no_bias: true,
    resid_pdrop: config.residualDropout ?? 0,
    tie_word_embeddings: config.tieHead ?? true,
    vocab_size: config.vocabSize,
  }),
  floatKeys: ["attn_pdrop", "emb_pdrop", "embedding_fraction", "layer_norm_epsilon", "resid_pdrop"],
  rows: ({ clip }) => decoderRows(names, { clipped: clip !== undefined }),
});
