import { activationNames } from "../activations.ts";
import { decoderFamily, decoderRows, usualSizes } from "./decoder-family.ts";
import { readPartialRotary, rotaryShare, writeRotary } from "./rotary.ts";

/**
 * Phi: branches side by side behind one norm, rotary positions on the first half of a head, biases everywhere, the head included.
 *
 * @see Hugging Face transformers: models/phi/configuration_phi.py and modeling_phi.py.
 */
export const phiFamily = decoderFamily({
  ...{ modelType: "phi", className: "Phi", prefix: "model.", tokens: "embed_tokens" },
  read(read) {
    const [dModel, numHeads] = [read.count("hidden_size", 2048), read.count("num_attention_heads", 32)];
    const maxSeqLen = read.count("max_position_embeddings", 2048);
    return {
      ...{ vocabSize: read.count("vocab_size", 51200), maxSeqLen, dModel, numHeads },
      numKvHeads: read.countOrNull("num_key_value_heads", numHeads),
      numLayers: read.count("num_hidden_layers", 24),
      dFF: read.count("intermediate_size", 8192),
      activation: read.choice("hidden_act", activationNames, "gelu_new"),
      positions: { kind: "rotary", ...readPartialRotary(read, { maxSeqLen, dHead: dModel / numHeads, share: 0.5 }) },
      ...{ projection: "separate", branches: "parallel" },
      normEpsilon: read.number("layer_norm_eps", 1e-5),
      headNorm: read.boolean("qk_layernorm", false),
      tieHead: read.boolean("tie_word_embeddings", false),
      headBias: true,
      embeddingDropout: read.number("embd_pdrop", 0, 0, 1),
      residualDropout: read.number("resid_pdrop", 0, 0, 1),
      attentionDropout: read.number("attention_dropout", 0, 0, 1),
      initStd: read.number("initializer_range", 0.02),
    };
  },
  write: (config) => ({
    ...usualSizes(config),
    attention_dropout: config.attentionDropout ?? 0,
    embd_pdrop: config.embeddingDropout ?? 0,
    hidden_act: config.activation ?? "gelu_new",
    intermediate_size: config.dFF ?? 4 * config.dModel,
    layer_norm_eps: config.normEpsilon ?? 1e-5,
    max_position_embeddings: config.maxSeqLen,
    num_key_value_heads: config.numKvHeads ?? config.numHeads,
    partial_rotary_factor:
      config.positions.kind === "rotary" ? rotaryShare(config.positions, config.dModel / config.numHeads) : 1,
    qk_layernorm: config.headNorm ?? false,
    resid_pdrop: config.residualDropout ?? 0,
    ...(config.positions.kind === "rotary" && writeRotary(config.positions)),
    tie_word_embeddings: config.tieHead ?? true,
  }),
  floatKeys: [
    ...["attention_dropout", "embd_pdrop", "layer_norm_eps", "partial_rotary_factor", "resid_pdrop"],
    ...["rope_theta", "factor"],
  ],
  rows: ({ headNorm }) =>
    decoderRows(
      {
        ...{ tokens: "embed_tokens", block: "layers.*.", norm1: "input_layernorm", norm: "final_layernorm" },
        ...{ query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj" },
        ...{ queryNorm: "self_attn.q_layernorm", keyNorm: "self_attn.k_layernorm", output: "self_attn.dense" },
        ...{ expand: "mlp.fc1", contract: "mlp.fc2" },
      },
      { headNorm },
    ),
});
