import type { JsonObject } from "@heed/checkpoints";
import { activationNames } from "../activations.ts";
import type { Decoder } from "../decoder.ts";
import { type Gpt2Config, gpt2 } from "../gpt2.ts";
import { withClassifier } from "./classifier-family.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ModelFamily, WeightRow } from "./family.ts";

const block = (ours: string, theirs: string, transposed?: true): WeightRow => ({
  ours: `stack.blocks.*.${ours}`,
  theirs: `h.*.${theirs}`,
  ...(transposed && { transposed }),
});

/** GPT-2 keeps linear weights as [in, out]. */
const weights: readonly WeightRow[] = [
  { ours: "stack.embedding.tokens.weight", theirs: "wte.weight" },
  { ours: "stack.embedding.position.table", theirs: "wpe.weight" },
  block("norm1.gain", "ln_1.weight"),
  block("norm1.bias", "ln_1.bias"),
  block("attention.projection.qkv.weight", "attn.c_attn.weight", true),
  block("attention.projection.qkv.bias", "attn.c_attn.bias"),
  block("attention.output.weight", "attn.c_proj.weight", true),
  block("attention.output.bias", "attn.c_proj.bias"),
  block("norm2.gain", "ln_2.weight"),
  block("norm2.bias", "ln_2.bias"),
  block("feedForward.expand.weight", "mlp.c_fc.weight", true),
  block("feedForward.expand.bias", "mlp.c_fc.bias"),
  block("feedForward.contract.weight", "mlp.c_proj.weight", true),
  block("feedForward.contract.bias", "mlp.c_proj.bias"),
  { ours: "stack.norm.gain", theirs: "ln_f.weight" },
  { ours: "stack.norm.bias", theirs: "ln_f.bias" },
  { ours: "head.weight", theirs: "lm_head.weight", outside: true },
];

/** GPT-2's own defaults, which an absent key means. `reorder_and_upcast_attn` only changes the order of rounding. */
function readConfig(json: JsonObject, architecture: string): Gpt2Config {
  const read = new ConfigReader("gpt2", json);
  read.ignore(
    "reorder_and_upcast_attn",
    "summary_type",
    "summary_use_proj",
    "summary_activation",
    "summary_first_dropout",
    "summary_proj_to_labels",
  );
  const maxSeqLen = read.count("n_positions", 1024, "max_position_embeddings");
  if (read.count("n_ctx", maxSeqLen) !== maxSeqLen) {
    throw new RangeError(
      `loadPretrained: config.json has an unsupported n_ctx for gpt2, expected ${maxSeqLen} (from n_positions), got ${JSON.stringify(json.n_ctx)}`,
    );
  }
  const dModel = read.count("n_embd", 768, "hidden_size");
  const config: Gpt2Config = {
    vocabSize: read.count("vocab_size", 50257),
    maxSeqLen,
    dModel,
    numLayers: read.count("n_layer", 12, "num_hidden_layers"),
    numHeads: read.count("n_head", 12, "num_attention_heads"),
    dFF: read.countOrNull("n_inner", 4 * dModel),
    activation: read.choice("activation_function", activationNames, "gelu_new"),
    bias: read.boolean("heed_bias", true),
    layerNormEpsilon: read.number("layer_norm_epsilon", 1e-5),
    // The model without its head is built with a tied one, which has no weights.
    tieHead: read.boolean("tie_word_embeddings", true) || architecture === "GPT2Model",
    scaleScores: read.boolean("scale_attn_weights", true),
    scaleScoresByLayer: read.boolean("scale_attn_by_inverse_layer_idx", false),
    embeddingDropout: read.number("embd_pdrop", 0.1, 0, 1),
    attentionDropout: read.number("attn_pdrop", 0.1, 0, 1),
    residualDropout: read.number("resid_pdrop", 0.1, 0, 1),
    initStd: read.number("initializer_range", 0.02),
  };
  read.finish();
  return config;
}

function writeConfig(config: Gpt2Config): JsonObject {
  return {
    activation_function: config.activation ?? "gelu_new",
    architectures: ["GPT2LMHeadModel"],
    attn_pdrop: config.attentionDropout ?? 0,
    bos_token_id: null,
    embd_pdrop: config.embeddingDropout ?? 0,
    eos_token_id: null,
    ...(config.bias === false && { heed_bias: false }),
    initializer_range: config.initStd ?? 0.02,
    layer_norm_epsilon: config.layerNormEpsilon ?? 1e-5,
    model_type: "gpt2",
    n_embd: config.dModel,
    n_head: config.numHeads,
    n_inner: config.dFF === undefined || config.dFF === 4 * config.dModel ? null : config.dFF,
    n_layer: config.numLayers,
    n_positions: config.maxSeqLen,
    reorder_and_upcast_attn: false,
    resid_pdrop: config.residualDropout ?? 0,
    scale_attn_by_inverse_layer_idx: config.scaleScoresByLayer ?? false,
    scale_attn_weights: config.scaleScores ?? true,
    ...(config.tieHead === false && { tie_word_embeddings: false }),
    torch_dtype: "float32",
    use_cache: true,
    vocab_size: config.vocabSize,
  };
}

/** GPT-2 has biases everywhere; a model without them is written with zeros and `heed_bias: false`. */
function zeroWeights(config: Gpt2Config): Map<string, readonly number[]> {
  const { dModel, numLayers, dFF = 4 * dModel } = config;
  const zeros = new Map<string, readonly number[]>();
  if (config.bias ?? true) return zeros;
  for (let layer = 0; layer < numLayers; layer++) {
    const sizes = {
      ln_1: dModel,
      "attn.c_attn": 3 * dModel,
      "attn.c_proj": dModel,
      ln_2: dModel,
      "mlp.c_fc": dFF,
      "mlp.c_proj": dModel,
    };
    for (const [part, size] of Object.entries(sizes)) zeros.set(`h.${layer}.${part}.bias`, [size]);
  }
  return zeros.set("ln_f.bias", [dModel]);
}

const decoderFamily: ModelFamily<Gpt2Config, Decoder> = {
  modelType: "gpt2",
  architectures: ["GPT2LMHeadModel", "GPT2Model"],
  bare: ["GPT2Model"],
  readConfig,
  writeConfig,
  floatKeys: [
    "attn_pdrop",
    "embd_pdrop",
    "resid_pdrop",
    "summary_first_dropout",
    "initializer_range",
    "layer_norm_epsilon",
  ],
  build: gpt2,
  numLayers: ({ numLayers }) => numLayers,
  weights: () => weights,
  prefix: "transformer.",
  isIgnored: (name) => /^h\.\d+\.attn\.(bias|masked_bias)$/.test(name),
  copies: ({ tieHead = true }) => new Map(tieHead ? [["lm_head.weight", "wte.weight"]] : []),
  isHead: (name) => name === "lm_head.weight",
  zeroWeights,
  withZeroWeights: (config) => ({ ...config, bias: true }),
};

/**
 * GPT-2 in Hugging Face folders, also as a classifier of sequences.
 *
 * Not loaded but kept: the causal-mask buffers of old files, and a copy of the token embedding as head where the two are tied.
 *
 * @see Hugging Face transformers: models/gpt2/configuration_gpt2.py and modeling_gpt2.py.
 */
export const gpt2Family = withClassifier(decoderFamily, {
  architecture: "GPT2ForSequenceClassification",
  bare: "GPT2Model",
});
