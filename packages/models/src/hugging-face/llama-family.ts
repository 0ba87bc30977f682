import type { JsonObject } from "@heed/checkpoints";
import { type ActivationName, activationNames } from "../activations.ts";
import type { Decoder } from "../decoder.ts";
import { type LlamaConfig, llama } from "../llama.ts";
import type { SequenceClassifier } from "../sequence-classifier.ts";
import { checkSame } from "./check-written.ts";
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

/** Norms of heads wrap the projection. */
function weightsOf({ headNorm = false }: LlamaConfig): readonly WeightRow[] {
  const projection = `attention.projection${headNorm ? ".projection" : ""}`;
  return [
    { ours: "stack.embedding.tokens.weight", theirs: "embed_tokens.weight" },
    row("norm1.gain", "input_layernorm.weight"),
    ...both(`${projection}.query`, "self_attn.q_proj"),
    ...both(`${projection}.key`, "self_attn.k_proj"),
    ...both(`${projection}.value`, "self_attn.v_proj"),
    row("attention.projection.query.gain", "self_attn.q_norm.weight"),
    row("attention.projection.key.gain", "self_attn.k_norm.weight"),
    ...both("attention.output", "self_attn.o_proj"),
    row("norm2.gain", "post_attention_layernorm.weight"),
    ...both("feedForward.gate", "mlp.gate_proj"),
    ...both("feedForward.expand", "mlp.up_proj"),
    ...both("feedForward.contract", "mlp.down_proj"),
    { ours: "stack.norm.gain", theirs: "norm.weight" },
    { ours: "head.weight", theirs: "lm_head.weight", outside: true },
  ];
}

/** What differs between the relatives: names, defaults, and what only one of them can say. */
export interface LlamaTraits {
  readonly modelType: string;
  /** in front of names of classes */
  readonly className: string;
  /** what absent keys mean */
  readonly absent: {
    readonly vocabSize: number;
    readonly maxSeqLen: number;
    readonly dFF: number;
    /** default 4096 */
    readonly dModel?: number;
    /** default 32 */
    readonly numLayers?: number;
    /** default 32 */
    readonly numHeads?: number;
    /** default as many as heads, as null means everywhere */
    readonly numKvHeads?: number;
    /** default the width of the model shared out among the heads */
    readonly dHead?: number;
    /** default silu */
    readonly activation?: ActivationName;
    /** default false */
    readonly tieHead?: boolean;
    /** of its classifier; default none */
    readonly padTokenId?: number;
  };
  /** The keys of this relative alone. */
  readonly read: (read: ConfigReader) => Partial<LlamaConfig>;
  readonly write: (config: LlamaConfig) => JsonObject;
}

function readConfig(traits: LlamaTraits, json: JsonObject, architecture: string): LlamaConfig {
  const { absent } = traits;
  const read = new ConfigReader(traits.modelType, json);
  // Splitting matrices over devices changes the order of rounding only.
  read.ignore("pretraining_tp");
  const dModel = read.count("hidden_size", absent.dModel ?? 4096);
  const numHeads = read.count("num_attention_heads", absent.numHeads ?? 32);
  const maxSeqLen = read.count("max_position_embeddings", absent.maxSeqLen);
  const hasOwnKeys = read.get("num_key_value_heads") !== null;
  const config: LlamaConfig = {
    ...{ vocabSize: read.count("vocab_size", absent.vocabSize), maxSeqLen, dModel },
    ...{ numLayers: read.count("num_hidden_layers", absent.numLayers ?? 32), numHeads },
    numKvHeads: hasOwnKeys ? read.count("num_key_value_heads", absent.numKvHeads ?? numHeads) : numHeads,
    dHead: absent.dHead ? read.count("head_dim", absent.dHead) : read.countOrNull("head_dim", dModel / numHeads),
    dFF: read.count("intermediate_size", absent.dFF),
    activation: read.choice("hidden_act", activationNames, absent.activation ?? "silu"),
    rotary: readRotary(read, { maxSeqLen }),
    rmsNormEpsilon: read.number("rms_norm_eps", 1e-6),
    // The model without its head is built with a tied one, which has no weights.
    tieHead:
      read.boolean("tie_word_embeddings", absent.tieHead ?? false) || architecture === `${traits.className}Model`,
    attentionDropout: read.number("attention_dropout", 0, 0, 1),
    initStd: read.number("initializer_range", 0.02),
    ...traits.read(read),
  };
  read.finish();
  return config;
}

/** What decides what a model computes, with what absent options mean. */
function settled(config: LlamaConfig): Readonly<Record<string, unknown>> {
  const { attentionDropout, initStd, rotary, firstWindowLayer = 0, ...choices } = config;
  const { dModel, numHeads, dHead = dModel / numHeads, attentionBias = false } = config;
  return {
    ...{ numKvHeads: numHeads, dHead, activation: "silu", rmsNormEpsilon: 1e-6, tieHead: false, headNorm: false },
    ...{ gainsLessOne: false, scaleEmbedding: false },
    ...{ attentionBias, outputBias: attentionBias, feedForwardBias: false },
    ...choices,
    ...(config.windowSize !== undefined && { firstWindowLayer }),
    rotary: { base: 10000, width: dHead, layout: "half-split", scaling: null, ...rotary },
  };
}

function writeConfig(traits: LlamaTraits, config: LlamaConfig): JsonObject {
  const { modelType, className, write } = traits;
  const { dModel, numHeads, numKvHeads = numHeads, dHead = dModel / numHeads } = config;
  const json: JsonObject = {
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
  const again = readConfig(traits, json, `${className}ForCausalLM`);
  checkSame(modelType, settled(config), settled(again));
  return json;
}

/** A family whose models `llama` builds, or classifiers of sequences on them. */
export function llamaLike(traits: LlamaTraits): ModelFamily<Classified<LlamaConfig>, Decoder | SequenceClassifier> {
  const { modelType, className } = traits;
  const { padTokenId } = traits.absent;
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
    weights: weightsOf,
    prefix: "model.",
    // Old files hold the table of the frequencies.
    isIgnored: (name) => /^layers\.\d+\.self_attn\.rotary_emb\.inv_freq$/.test(name),
    copies: ({ tieHead }) => new Map(tieHead ? [["lm_head.weight", "embed_tokens.weight"]] : []),
    isHead: (name) => name === "lm_head.weight",
  };
  return withClassifier(family, {
    architecture: `${className}ForSequenceClassification`,
    bare: `${className}Model`,
    ...(padTokenId !== undefined && { padTokenId }),
  });
}
