import { activationNames } from "../activations.ts";
import type { DecoderConfig } from "../decoder-model.ts";
import type { ConfigReader } from "./config-reader.ts";
import { decoderFamily, decoderRows, gptSizes } from "./decoder-family.ts";

const rows = decoderRows({
  ...{ tokens: "wte", block: "h.*.", norm1: "ln_1", norm: "ln_f" },
  ...{ query: "attn.q_proj", key: "attn.k_proj", value: "attn.v_proj", output: "attn.out_proj" },
  ...{ expand: "mlp.fc_in", contract: "mlp.fc_out" },
});

/** The first channels of a head, which turn two by two. The original cannot run any other number of them. */
function readRotary(read: ConfigReader, dHead: number): DecoderConfig["positions"] {
  const width = read.count("rotary_dim", 64);
  if (width % 2 !== 0 || width > dHead)
    read.refuse("rotary_dim", `an even number up to the head width ${dHead}`, read.get("rotary_dim") ?? width);
  return { kind: "rotary", layout: "interleaved", width };
}

const rotaryDim = ({ positions, dModel, numHeads }: DecoderConfig): number =>
  (positions.kind === "rotary" ? positions.width : undefined) ?? dModel / numHeads;

/**
 * GPT-J: branches side by side behind one norm, rotary positions that turn neighboring channels, no biases in attention, a head
 * of its own with a bias.
 *
 * @see Hugging Face transformers: models/gptj/configuration_gptj.py and modeling_gptj.py.
 */
export const gptjFamily = decoderFamily({
  ...{ modelType: "gptj", className: "GPTJ", prefix: "transformer.", tokens: "wte" },
  read(read) {
    // Keys of the first files, which no version reads: any other value would have meant another model.
    read.only("rotary", true);
    read.only("scale_attn_weights", true);
    read.ignore("summary_type", "summary_use_proj", "summary_activation");
    read.ignore("summary_first_dropout", "summary_proj_to_labels");
    const dModel = read.count("n_embd", 4096, "hidden_size");
    const numHeads = read.count("n_head", 16, "num_attention_heads");
    return {
      vocabSize: read.count("vocab_size", 50400),
      maxSeqLen: read.count("n_positions", 2048, "max_position_embeddings"),
      ...{ dModel, numHeads },
      numLayers: read.count("n_layer", 28, "num_hidden_layers"),
      dFF: read.countOrNull("n_inner", 4 * dModel),
      activation: read.choice("activation_function", activationNames, "gelu_new"),
      positions: readRotary(read, dModel / numHeads),
      ...{ projection: "separate", branches: "parallel", attentionBias: false },
      normEpsilon: read.number("layer_norm_epsilon", 1e-5),
      tieHead: read.boolean("tie_word_embeddings", false),
      headBias: true,
      embeddingDropout: read.number("embd_pdrop", 0, 0, 1),
      attentionDropout: read.number("attn_pdrop", 0, 0, 1),
      residualDropout: read.number("resid_pdrop", 0, 0, 1),
      initStd: read.number("initializer_range", 0.02),
    };
  },
  write: (config) => ({
    ...gptSizes(config),
    activation_function: config.activation ?? "gelu_new",
    n_inner: config.dFF === undefined || config.dFF === 4 * config.dModel ? null : config.dFF,
    rotary_dim: rotaryDim(config),
  }),
  floatKeys: ["attn_pdrop", "embd_pdrop", "layer_norm_epsilon", "resid_pdrop", "summary_first_dropout"],
  rows: () => rows,
  // Old files hold the causal mask.
  isIgnored: (name) => /^h\.\d+\.attn\.(bias|masked_bias)$/.test(name),
});
