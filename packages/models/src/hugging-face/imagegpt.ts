import { activationNames } from "../activations.ts";
import type { DecoderConfig } from "../decoder-model.ts";
import type { ConfigReader } from "./config-reader.ts";
import { decoderFamily, decoderRows, gptSizes } from "./decoder-family.ts";

const rows = decoderRows(
  {
    ...{ tokens: "wte", positions: "wpe", block: "h.*.", norm1: "ln_1", norm2: "ln_2", norm: "ln_f" },
    ...{ qkv: "attn.c_attn", output: "attn.c_proj", expand: "mlp.c_fc", contract: "mlp.c_proj" },
  },
  { transposed: true },
);

/**
 * The original divides scores by the root of the head width without its fraction, unless it reorders: then by the root itself.
 * That changes what the medium and the large model compute.
 */
function readScale(read: ConfigReader, root: number): Pick<DecoderConfig, "scale"> {
  const isExact = read.boolean("reorder_and_upcast_attn", false) || Number.isInteger(root);
  if (!read.boolean("scale_attn_weights", true)) return { scale: 1 };
  return isExact ? {} : { scale: 1 / Math.floor(root) };
}

/**
 * Image GPT: GPT-2 on colors of pixels, with RMS norms and a head that never predicts the last token of the vocabulary, which
 * starts a sequence.
 *
 * A tied head is the whole token embedding and so predicts the start too, as in the original.
 *
 * @see Hugging Face transformers: models/imagegpt/configuration_imagegpt.py and modeling_imagegpt.py. Differs: gains of norms
 *   are trained, where the original gives them no gradient.
 */
export const imageGptFamily = decoderFamily({
  ...{ modelType: "imagegpt", className: "ImageGPT", headClass: "ImageGPTForCausalImageModeling" },
  ...{ prefix: "transformer.", tokens: "wte" },
  classifier: { architecture: "ImageGPTForImageClassification", pool: "mean" },
  read(read) {
    const vocabSize = read.count("vocab_size", 513);
    const dModel = read.count("n_embd", 512, "hidden_size");
    const numHeads = read.count("n_head", 8, "num_attention_heads");
    const tieHead = read.boolean("tie_word_embeddings", false);
    return {
      vocabSize,
      maxSeqLen: read.count("n_positions", 1024, "max_position_embeddings"),
      dModel,
      numLayers: read.count("n_layer", 24, "num_hidden_layers"),
      numHeads,
      dFF: read.countOrNull("n_inner", 4 * dModel),
      activation: read.choice("activation_function", activationNames, "quick_gelu"),
      ...{ positions: { kind: "learned" }, norm: "rms", tieHead },
      ...(!tieHead && { headSize: vocabSize - 1 }),
      normEpsilon: read.number("layer_norm_epsilon", 1e-5),
      ...readScale(read, Math.sqrt(dModel / numHeads)),
      scaleByLayer: read.boolean("scale_attn_by_inverse_layer_idx", false),
      embeddingDropout: read.number("embd_pdrop", 0.1, 0, 1),
      attentionDropout: read.number("attn_pdrop", 0.1, 0, 1),
      residualDropout: read.number("resid_pdrop", 0.1, 0, 1),
      initStd: read.number("initializer_range", 0.02),
      smallBranchEnds: true,
    };
  },
  write: (config) => ({
    ...gptSizes(config),
    activation_function: config.activation ?? "gelu_new",
    n_inner: config.dFF === undefined || config.dFF === 4 * config.dModel ? null : config.dFF,
    reorder_and_upcast_attn:
      config.scale === undefined && !Number.isInteger(Math.sqrt(config.dModel / config.numHeads)),
    scale_attn_by_inverse_layer_idx: config.scaleByLayer ?? false,
    scale_attn_weights: config.scale !== 1,
  }),
  floatKeys: ["attn_pdrop", "embd_pdrop", "layer_norm_epsilon", "resid_pdrop"],
  rows: () => rows,
  isIgnored: (name) => /^h\.\d+\.attn\.(bias|masked_bias)$/.test(name),
});
