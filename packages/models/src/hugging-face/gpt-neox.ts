import { activationNames } from "../activations.ts";
import { decoderFamily, decoderRows, groupedRows, usualSizes } from "./decoder-family.ts";
import { readPartialRotary, rotaryShare, writeRotary } from "./rotary.ts";

/**
 * GPT-NeoX and Pythia: rotary positions on the first channels of a head, branches side by side, an embedding and a head of
 * their own.
 *
 * @see Hugging Face transformers: models/gpt_neox/configuration_gpt_neox.py and modeling_gpt_neox.py.
 */
export const gptNeoxFamily = decoderFamily({
  ...{ modelType: "gpt_neox", className: "GPTNeoX", prefix: "gpt_neox.", tokens: "embed_in", head: "embed_out" },
  read(read) {
    read.ignore("classifier_dropout");
    const [dModel, numHeads] = [read.count("hidden_size", 6144), read.count("num_attention_heads", 64)];
    const maxSeqLen = read.count("max_position_embeddings", 2048);
    const dropout = read.number("hidden_dropout", 0, 0, 1);
    const attentionBias = read.boolean("attention_bias", true);
    return {
      ...{ vocabSize: read.count("vocab_size", 50432), maxSeqLen, dModel, numHeads },
      numLayers: read.count("num_hidden_layers", 44),
      dFF: read.count("intermediate_size", 24576),
      activation: read.choice("hidden_act", activationNames, "gelu"),
      positions: {
        kind: "rotary",
        ...readPartialRotary(read, {
          ...{ maxSeqLen, dHead: dModel / numHeads, share: 0.25 },
          older: { share: "rotary_pct", base: "rotary_emb_base" },
        }),
      },
      branches: read.boolean("use_parallel_residual", true) ? "parallel with two norms" : "sequential",
      normEpsilon: read.number("layer_norm_eps", 1e-5),
      attentionBias,
      outputBias: attentionBias,
      tieHead: read.boolean("tie_word_embeddings", false),
      ...{ embeddingDropout: dropout, residualDropout: dropout },
      attentionDropout: read.number("attention_dropout", 0, 0, 1),
      initStd: read.number("initializer_range", 0.02),
    };
  },
  write: (config) => ({
    ...usualSizes(config),
    attention_bias: config.attentionBias ?? true,
    attention_dropout: config.attentionDropout ?? 0,
    hidden_act: config.activation ?? "gelu_new",
    hidden_dropout: config.residualDropout ?? 0,
    intermediate_size: config.dFF ?? 4 * config.dModel,
    layer_norm_eps: config.normEpsilon ?? 1e-5,
    max_position_embeddings: config.maxSeqLen,
    ...(config.positions.kind === "rotary" && writeRotary(config.positions)),
    ...(config.positions.kind === "rotary" && { rotary_emb_base: config.positions.base ?? 10000 }),
    rotary_pct: config.positions.kind === "rotary" ? rotaryShare(config.positions, config.dModel / config.numHeads) : 1,
    tie_word_embeddings: config.tieHead ?? true,
    use_parallel_residual: config.branches === "parallel with two norms",
  }),
  floatKeys: [
    ...["attention_dropout", "classifier_dropout", "hidden_dropout", "layer_norm_eps", "rotary_pct"],
    ...["partial_rotary_factor", "factor"],
  ],
  rows: ({ numHeads, dModel }) =>
    decoderRows(
      {
        ...{ tokens: "embed_in", block: "layers.*.", norm1: "input_layernorm", norm2: "post_attention_layernorm" },
        ...{ qkv: "attention.query_key_value", output: "attention.dense", norm: "final_layer_norm" },
        ...{ expand: "mlp.dense_h_to_4h", contract: "mlp.dense_4h_to_h", head: "embed_out" },
      },
      { qkvRows: groupedRows(numHeads, numHeads, dModel / numHeads) },
    ),
  isIgnored: (name) => /^layers\.\d+\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)$/.test(name),
});
