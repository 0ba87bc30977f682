import type { JsonObject } from "@heed/checkpoints";
import { activationNames } from "../activations.ts";
import type { Decoder } from "../decoder.ts";
import { type LlamaConfig, llama } from "../llama.ts";
import type { SequenceClassifier } from "../sequence-classifier.ts";
import { type Classified, withClassifier } from "./classifier-family.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ModelFamily, WeightRow } from "./family.ts";
import { readRotary, writeRotary } from "./rotary.ts";

const row = (ours: string, theirs: string): WeightRow => ({
  ours: `stack.blocks.*.${ours}`,
  theirs: `layers.*.${theirs}`,
});
const both = (ours: string, theirs: string): WeightRow[] =>
  ["weight", "bias"].map((part) => row(`${ours}.${part}`, `${theirs}.${part}`));

const weights: readonly WeightRow[] = [
  { ours: "stack.embedding.tokens.weight", theirs: "embed_tokens.weight" },
  row("norm1.gain", "input_layernorm.weight"),
  ...both("attention.projection.query", "self_attn.q_proj"),
  ...both("attention.projection.key", "self_attn.k_proj"),
  ...both("attention.projection.value", "self_attn.v_proj"),
  ...both("attention.output", "self_attn.o_proj"),
  row("norm2.gain", "post_attention_layernorm.weight"),
  ...both("feedForward.gate", "mlp.gate_proj"),
  ...both("feedForward.expand", "mlp.up_proj"),
  ...both("feedForward.contract", "mlp.down_proj"),
  { ours: "stack.norm.gain", theirs: "norm.weight" },
  { ours: "head.weight", theirs: "lm_head.weight", outside: true },
];

/** What differs between the relatives: names, defaults, and what only one of them can say. */
interface LlamaTraits {
  readonly modelType: string;
  /** in front of names of classes */
  readonly className: string;
  readonly vocabSize: number;
  readonly maxSeqLen: number;
  readonly dFF: number;
  /** what an absent `num_key_value_heads` means; default as many as heads */
  readonly numKvHeads?: number;
  /** The keys of this relative alone. */
  readonly read: (read: ConfigReader) => Partial<LlamaConfig>;
  readonly write: (config: LlamaConfig) => JsonObject;
}

function readConfig(traits: LlamaTraits, json: JsonObject, architecture: string): LlamaConfig {
  const read = new ConfigReader(traits.modelType, json);
  // Splitting matrices over devices changes the order of rounding only.
  read.ignore("pretraining_tp");
  const [dModel, numHeads] = [read.count("hidden_size", 4096), read.count("num_attention_heads", 32)];
  const maxSeqLen = read.count("max_position_embeddings", traits.maxSeqLen);
  const isBare = architecture === `${traits.className}Model`;
  const config: LlamaConfig = {
    ...{ vocabSize: read.count("vocab_size", traits.vocabSize), maxSeqLen, dModel },
    ...{ numLayers: read.count("num_hidden_layers", 32), numHeads },
    numKvHeads: read.countOrNull("num_key_value_heads", traits.numKvHeads ?? numHeads),
    dHead: read.countOrNull("head_dim", dModel / numHeads),
    dFF: read.count("intermediate_size", traits.dFF),
    activation: read.choice("hidden_act", activationNames, "silu"),
    rotary: readRotary(read, { maxSeqLen }),
    rmsNormEpsilon: read.number("rms_norm_eps", 1e-6),
    tieHead: read.boolean("tie_word_embeddings", false) || isBare,
    attentionDropout: read.number("attention_dropout", 0, 0, 1),
    initStd: read.number("initializer_range", 0.02),
    ...traits.read(read),
  };
  read.finish();
  return config;
}

function writeConfig({ modelType, className, write }: LlamaTraits, config: LlamaConfig): JsonObject {
  const { dModel, numHeads, numKvHeads = numHeads, dHead = dModel / numHeads } = config;
  return {
    architectures: [`${className}ForCausalLM`],
    attention_dropout: config.attentionDropout ?? 0,
    bos_token_id: null,
    eos_token_id: null,
    head_dim: dHead,
    hidden_act: config.activation ?? "silu",
    hidden_size: dModel,
    initializer_range: config.initStd ?? 0.02,
    intermediate_size: config.dFF,
    max_position_embeddings: config.maxSeqLen,
    model_type: modelType,
    num_attention_heads: numHeads,
    num_hidden_layers: config.numLayers,
    num_key_value_heads: numKvHeads,
    rms_norm_eps: config.rmsNormEpsilon ?? 1e-6,
    ...writeRotary(config.rotary ?? {}),
    tie_word_embeddings: config.tieHead ?? false,
    torch_dtype: "float32",
    use_cache: true,
    vocab_size: config.vocabSize,
    ...write(config),
  };
}

function llamaLike(traits: LlamaTraits): ModelFamily<Classified<LlamaConfig>, Decoder | SequenceClassifier> {
  const { modelType, className } = traits;
  const family: ModelFamily<LlamaConfig, Decoder> = {
    modelType,
    architectures: [`${className}ForCausalLM`, `${className}Model`],
    bare: [`${className}Model`],
    readConfig: (json, architecture) => readConfig(traits, json, architecture),
    writeConfig: (config) => writeConfig(traits, config),
    floatKeys: ["attention_dropout", "factor", "high_freq_factor", "initializer_range", "low_freq_factor"].concat(
      ...["attention_factor", "beta_fast", "beta_slow", "rms_norm_eps", "rope_theta"],
    ),
    build: llama,
    numLayers: ({ numLayers }) => numLayers,
    weights: () => weights,
    prefix: "model.",
    // Old files hold the table of the frequencies.
    isIgnored: (name) => /^layers\.\d+\.self_attn\.rotary_emb\.inv_freq$/.test(name),
    copies: ({ tieHead }) => new Map(tieHead ? [["lm_head.weight", "embed_tokens.weight"]] : []),
    isHead: (name) => name === "lm_head.weight",
  };
  return withClassifier(family, {
    architecture: `${className}ForSequenceClassification`,
    bare: `${className}Model`,
  });
}

/**
 * Llama in Hugging Face folders.
 *
 * @see Hugging Face transformers: models/llama/configuration_llama.py and modeling_llama.py.
 */
export const llamaFamily = llamaLike({
  ...{ modelType: "llama", className: "Llama", vocabSize: 32000, maxSeqLen: 2048, dFF: 11008 },
  read: (read) => ({
    attentionBias: read.boolean("attention_bias", false),
    feedForwardBias: read.boolean("mlp_bias", false),
  }),
  write: ({ attentionBias = false, feedForwardBias = false }) => ({
    attention_bias: attentionBias,
    mlp_bias: feedForwardBias,
  }),
});

/** Mistral: Llama with a window. @see Hugging Face transformers: models/mistral. */
export const mistralFamily = llamaLike({
  ...{ modelType: "mistral", className: "Mistral", vocabSize: 32000, maxSeqLen: 131072, dFF: 14336, numKvHeads: 8 },
  read: (read) => {
    const windowSize = read.get("sliding_window") === null ? undefined : read.count("sliding_window", 4096);
    return windowSize === undefined ? {} : { windowSize };
  },
  write: ({ windowSize = null }) => ({ sliding_window: windowSize }),
});

/** The first layer with a window, from `layer_types` where newer files list them; those must be full first, then sliding. */
function firstSlidingLayer(read: ConfigReader, fallback: number): number {
  const types = read.get("layer_types");
  if (!Array.isArray(types)) return fallback;
  const found = types.indexOf("sliding_attention");
  const first = found === -1 ? types.length : found;
  const fits = types.every((type, layer) => type === (layer < first ? "full_attention" : "sliding_attention"));
  return fits ? first : read.refuse("layer_types", "full_attention layers, then sliding_attention layers", types);
}

/**
 * Qwen2: Llama with biases of queries, keys and values, and a window from some layer on.
 *
 * @see Hugging Face transformers: models/qwen2. Differs from its 4.46, where every layer took the window.
 */
export const qwen2Family = llamaLike({
  ...{ modelType: "qwen2", className: "Qwen2", vocabSize: 151936, maxSeqLen: 32768, dFF: 22016, numKvHeads: 32 },
  read: (read) => {
    const [hasWindow, firstWindowLayer] = [
      read.boolean("use_sliding_window", false),
      read.whole("max_window_layers", 28),
    ];
    const windowSize = read.get("sliding_window") === null ? undefined : read.count("sliding_window", 4096);
    const biases = { attentionBias: true, outputBias: false };
    const first = firstSlidingLayer(read, hasWindow ? firstWindowLayer : Number.POSITIVE_INFINITY);
    return hasWindow && windowSize !== undefined ? { ...biases, windowSize, firstWindowLayer: first } : biases;
  },
  write: ({ windowSize, firstWindowLayer = 0 }) => ({
    max_window_layers: windowSize === undefined ? 28 : firstWindowLayer,
    sliding_window: windowSize ?? null,
    use_sliding_window: windowSize !== undefined,
  }),
});
