import { activationNames } from "../activations.ts";
import { decoderFamily, decoderRows } from "./decoder-family.ts";

const rows = [
  ...decoderRows({
    ...{ tokens: "decoder.embed_tokens", positions: "decoder.embed_positions", block: "decoder.layers.*." },
    ...{ norm1: "self_attn_layer_norm", norm2: "final_layer_norm", norm: "decoder.final_layer_norm" },
    ...{ query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj" },
    ...{ output: "self_attn.out_proj", expand: "fc1", contract: "fc2" },
  }),
  { ours: "stack.embedding.tokens.projection.weight", theirs: "decoder.project_in.weight" },
  { ours: "stack.norm.projection.weight", theirs: "decoder.project_out.weight" },
  { ours: "stack.norm.norm.gain", theirs: "decoder.final_layer_norm.weight" },
  { ours: "stack.norm.norm.bias", theirs: "decoder.final_layer_norm.bias" },
];

/**
 * OPT: learned positions with two rows before the first, relu, norms before or behind their branches; the 350M has narrow token
 * embeddings.
 *
 * Positions of a padded batch count real tokens, as the original counts them: give them, the stack does not know of padding.
 *
 * @see Hugging Face transformers: models/opt/configuration_opt.py and modeling_opt.py.
 */
export const optFamily = decoderFamily({
  ...{ modelType: "opt", className: "OPT", prefix: "model.", tokens: "decoder.embed_tokens" },
  classifier: { padTokenId: 1 },
  read(read) {
    // Whole layers are dropped in training only; no published model was.
    read.only("layerdrop", 0);
    read.only("_remove_final_layer_norm", false, true);
    const dModel = read.count("hidden_size", 768);
    const isPre = read.boolean("do_layer_norm_before", true);
    const bias = read.boolean("enable_bias", true);
    const dropout = read.number("dropout", 0.1, 0, 1);
    return {
      ...{ vocabSize: read.count("vocab_size", 50272), maxSeqLen: read.count("max_position_embeddings", 2048), dModel },
      dEmbedding: read.countOrNull("word_embed_proj_dim", dModel),
      numLayers: read.count("num_hidden_layers", 12),
      numHeads: read.count("num_attention_heads", 12),
      dFF: read.count("ffn_dim", 3072),
      activation: read.choice("activation_function", activationNames, "relu"),
      positions: { kind: "learned", offset: 2 },
      ...{ projection: "separate", placement: isPre ? "pre" : "post" },
      norm: read.boolean("layer_norm_elementwise_affine", true) ? "layer" : "plain layer",
      finalNorm: isPre && read.get("_remove_final_layer_norm") !== true,
      ...{ attentionBias: bias, outputBias: bias, feedForwardBias: bias },
      tieHead: read.boolean("tie_word_embeddings", true),
      ...(read.get("pad_token_id") !== null && { paddingId: read.whole("pad_token_id", 1) }),
      ...{ embeddingDropout: 0, residualDropout: dropout },
      attentionDropout: read.number("attention_dropout", 0, 0, 1),
      initStd: read.number("init_std", 0.02),
    };
  },
  write: (config) => ({
    _remove_final_layer_norm: config.finalNorm === false && config.placement !== "post",
    activation_function: config.activation ?? "gelu_new",
    attention_dropout: config.attentionDropout ?? 0,
    do_layer_norm_before: config.placement !== "post",
    dropout: config.residualDropout ?? 0,
    enable_bias: config.attentionBias ?? true,
    ffn_dim: config.dFF ?? 4 * config.dModel,
    hidden_size: config.dModel,
    init_std: config.initStd ?? 0.02,
    layer_norm_elementwise_affine: config.norm !== "plain layer",
    layerdrop: 0,
    max_position_embeddings: config.maxSeqLen,
    num_attention_heads: config.numHeads,
    num_hidden_layers: config.numLayers,
    pad_token_id: config.paddingId ?? null,
    tie_word_embeddings: config.tieHead ?? true,
    vocab_size: config.vocabSize,
    word_embed_proj_dim: config.dEmbedding ?? config.dModel,
  }),
  floatKeys: ["attention_dropout", "dropout", "init_std", "layerdrop"],
  rows: () => rows,
});
