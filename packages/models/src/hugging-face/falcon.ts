import { activationNames } from "../activations.ts";
import type { DecoderConfig } from "../decoder-model.ts";
import { decoderFamily, decoderRows, groupedRows, usualSizes } from "./decoder-family.ts";
import { readRotary, writeRotary } from "./rotary.ts";

/** Names of the norms depend on how many there are in a block, and where. */
const normsOf = ({ branches }: DecoderConfig): { readonly norm1: string; readonly norm2?: string } => {
  if (branches === "parallel with two norms") return { norm1: "ln_attn", norm2: "ln_mlp" };
  return branches === "parallel"
    ? { norm1: "input_layernorm" }
    : { norm1: "input_layernorm", norm2: "post_attention_layernorm" };
};

/** One key head for all stands behind the query heads; otherwise each group has its own behind its query heads. */
const qkvRowsOf = ({ numHeads, numKvHeads = numHeads, dModel }: DecoderConfig): readonly number[] | undefined =>
  numKvHeads === 1 ? undefined : groupedRows(numHeads, numKvHeads, dModel / numHeads);

/**
 * Falcon: one key/value head for all query heads or for groups of them, branches side by side, rotary positions or ALiBi.
 *
 * Differs from the eager attention of transformers (4.46 and 5.17), which adds ALiBi's penalties twice, once with the mask: here
 * they count once, as in its fused attention and in the code the models were trained with. Where branches are side by side, dropout falls on each
 * of them instead of on their sum.
 *
 * @see Hugging Face transformers: models/falcon/configuration_falcon.py and modeling_falcon.py.
 */
export const falconFamily = decoderFamily({
  ...{ modelType: "falcon", className: "Falcon", prefix: "transformer.", tokens: "word_embeddings" },
  read(read) {
    const dModel = read.count("hidden_size", 4544, "n_embed");
    const numHeads = read.count("num_attention_heads", 71, "n_head");
    const maxSeqLen = read.count("max_position_embeddings", 2048);
    const isNew = read.boolean("new_decoder_architecture", false);
    const groups = read.countOrNull("num_kv_heads", numHeads);
    const multiQuery = read.boolean("multi_query", true);
    const isParallel = read.boolean("parallel_attn", true);
    if (isNew && !isParallel) read.refuse("parallel_attn", "true with new_decoder_architecture", isParallel);
    const numNorms = read.countOrNull("num_ln_in_parallel_attn", isNew ? 2 : 1);
    if (numNorms > 2 || (!isNew && numNorms === 2))
      read.refuse("num_ln_in_parallel_attn", isNew ? "1 or 2" : "1, or new_decoder_architecture", numNorms);
    const bias = read.boolean("bias", false);
    const hasAlibi = read.boolean("alibi", false);
    const rotary = readRotary(read, { maxSeqLen });
    const [attentionDropout, hiddenDropout] = ["attention_dropout", "hidden_dropout"].map((key) =>
      read.number(key, 0, 0, 1),
    ) as [number, number];
    return {
      ...{ vocabSize: read.count("vocab_size", 65024), maxSeqLen, dModel, numHeads },
      numKvHeads: isNew ? groups : multiQuery ? 1 : numHeads,
      numLayers: read.count("num_hidden_layers", 32, "n_layer"),
      dFF: read.countOrNull("ffn_hidden_size", 4 * dModel),
      activation: read.choice("activation", activationNames, "gelu"),
      // The penalties are divided like the scores that they are added to.
      positions: hasAlibi
        ? { kind: "alibi", factor: 1 / Math.sqrt(dModel / numHeads), rounding: "bfloat16" }
        : { kind: "rotary", ...rotary },
      branches: !isParallel ? "sequential" : numNorms === 2 ? "parallel with two norms" : "parallel",
      normEpsilon: read.number("layer_norm_epsilon", 1e-5),
      ...{ attentionBias: bias, outputBias: bias, feedForwardBias: bias },
      tieHead: read.boolean("tie_word_embeddings", true),
      // As in the original: weights of attention are dropped with ALiBi only, its branch is where branches follow each other.
      attentionDropout: hasAlibi ? attentionDropout : 0,
      residualDropout: isParallel ? hiddenDropout : attentionDropout,
      ...(!isParallel && { feedForwardDropout: hiddenDropout }),
      initStd: read.number("initializer_range", 0.02),
    };
  },
  write(config) {
    const { numHeads, numKvHeads = numHeads, positions, branches } = config;
    const isNew = branches === "parallel with two norms" || (numKvHeads !== 1 && numKvHeads !== numHeads);
    return {
      ...usualSizes(config),
      activation: config.activation ?? "gelu_new",
      alibi: positions.kind === "alibi",
      attention_dropout: (branches === "sequential" ? config.residualDropout : config.attentionDropout) ?? 0,
      bias: config.attentionBias ?? true,
      ffn_hidden_size: config.dFF ?? 4 * config.dModel,
      hidden_dropout:
        (branches === "sequential" ? config.feedForwardDropout : undefined) ?? config.residualDropout ?? 0,
      layer_norm_epsilon: config.normEpsilon ?? 1e-5,
      max_position_embeddings: config.maxSeqLen,
      multi_query: numKvHeads === 1,
      new_decoder_architecture: isNew,
      num_kv_heads: numKvHeads,
      num_ln_in_parallel_attn: isNew ? (branches === "parallel with two norms" ? 2 : 1) : null,
      parallel_attn: branches !== "sequential",
      ...(positions.kind === "rotary" && writeRotary(positions)),
      tie_word_embeddings: config.tieHead ?? true,
    };
  },
  floatKeys: ["attention_dropout", "hidden_dropout", "layer_norm_epsilon", "rope_theta", "factor"],
  rows: (config) =>
    decoderRows(
      {
        ...{ tokens: "word_embeddings", block: "h.*.", ...normsOf(config), norm: "ln_f" },
        ...{ qkv: "self_attention.query_key_value", output: "self_attention.dense" },
        ...{ expand: "mlp.dense_h_to_4h", contract: "mlp.dense_4h_to_h" },
      },
      { qkvRows: qkvRowsOf(config) },
    ),
  isIgnored: (name) => /^h\.\d+\.self_attention\.rotary_emb\.inv_freq$/.test(name),
});
