import { decoderFamily, decoderRows, groupedRows } from "./decoder-family.ts";

/**
 * BLOOM: ALiBi, a norm of the embeddings, the tanh approximation of gelu.
 *
 * @see Hugging Face transformers: models/bloom/configuration_bloom.py and modeling_bloom.py.
 */
export const bloomFamily = decoderFamily({
  ...{ modelType: "bloom", className: "Bloom", prefix: "transformer.", tokens: "word_embeddings" },
  read(read) {
    // Splitting over devices changes nothing, unless it is to be exact: then the original leaves out two biases.
    if (read.count("pretraining_tp", 1) > 1) read.only("slow_but_exact", false);
    read.ignore("slow_but_exact", "n_inner", "masked_softmax_fusion", "bias_dropout_fusion");
    read.ignore("attention_softmax_in_fp32", "offset_alibi", "unk_token_id");
    const isNormalized = read.boolean("apply_residual_connection_post_layernorm", false);
    const dModel = read.count("hidden_size", 64, "n_embed");
    return {
      vocabSize: read.count("vocab_size", 250880),
      // Penalties have no end; 2,048 is what the published models were trained with.
      maxSeqLen: read.countOrNull("seq_length", 2048),
      dModel,
      numLayers: read.count("n_layer", 2, "num_hidden_layers"),
      numHeads: read.count("n_head", 8, "num_attention_heads"),
      ...{ positions: { kind: "alibi" }, embeddingNorm: true },
      ...(isNormalized && { placement: "normalized residual" }),
      normEpsilon: read.number("layer_norm_epsilon", 1e-5),
      tieHead: read.boolean("tie_word_embeddings", true),
      residualDropout: read.number("hidden_dropout", 0, 0, 1),
      attentionDropout: read.number("attention_dropout", 0, 0, 1),
      initStd: read.number("initializer_range", 0.02),
    };
  },
  write: (config) => ({
    apply_residual_connection_post_layernorm: config.placement === "normalized residual",
    attention_dropout: config.attentionDropout ?? 0,
    hidden_dropout: config.residualDropout ?? 0,
    hidden_size: config.dModel,
    initializer_range: config.initStd ?? 0.02,
    layer_norm_epsilon: config.normEpsilon ?? 1e-5,
    n_head: config.numHeads,
    n_layer: config.numLayers,
    ...(config.maxSeqLen !== 2048 && { seq_length: config.maxSeqLen }),
    tie_word_embeddings: config.tieHead ?? true,
    vocab_size: config.vocabSize,
  }),
  floatKeys: ["attention_dropout", "hidden_dropout", "layer_norm_epsilon"],
  rows: ({ numHeads, dModel }) =>
    decoderRows(
      {
        ...{ tokens: "word_embeddings", embeddingNorm: "word_embeddings_layernorm", block: "h.*.", norm: "ln_f" },
        ...{ norm1: "input_layernorm", norm2: "post_attention_layernorm", qkv: "self_attention.query_key_value" },
        ...{ output: "self_attention.dense", expand: "mlp.dense_h_to_4h", contract: "mlp.dense_4h_to_h" },
      },
      { qkvRows: groupedRows(numHeads, numHeads, dModel / numHeads) },
    ),
});
