import type { Json } from "@heed/checkpoints";
import { activationNames } from "../activations.ts";
import type { ConfigReader } from "./config-reader.ts";
import { decoderFamily, decoderRows } from "./decoder-family.ts";

const rows = decoderRows({
  ...{ tokens: "wte", positions: "wpe", block: "h.*.", norm1: "ln_1", norm2: "ln_2", norm: "ln_f" },
  ...{ query: "attn.attention.q_proj", key: "attn.attention.k_proj", value: "attn.attention.v_proj" },
  ...{ output: "attn.attention.out_proj", expand: "mlp.c_fc", contract: "mlp.c_proj" },
});

/** `[[["global", "local"], 12]]`: kinds in turn, so many times, one list after the other. */
function readKinds(read: ConfigReader, numLayers: number): string[] {
  const value = read.get("attention_types") ?? [[["global", "local"], numLayers / 2]];
  const isPart = (part: Json): part is [string[], number] =>
    Array.isArray(part) && Array.isArray(part[0]) && Number.isSafeInteger(part[1]);
  if (!Array.isArray(value) || !value.every(isPart))
    return read.refuse("attention_types", 'lists such as [[["global", "local"], 12]]', value);
  const kinds = value.flatMap(([names, times]) =>
    Array.from({ length: times as number }, () => names as string[]).flat(),
  );
  if (kinds.length !== numLayers || kinds.some((kind) => kind !== "global" && kind !== "local"))
    read.refuse("attention_types", `global or local for each of ${numLayers} layers`, value);
  const listed = read.get("attention_layers");
  if (listed !== undefined && JSON.stringify(listed) !== JSON.stringify(kinds))
    read.refuse("attention_layers", `what attention_types says, ${JSON.stringify(kinds)}`, listed);
  return kinds;
}

/**
 * GPT-Neo: some layers see a window only, scores are not scaled, queries, keys and values have no biases.
 *
 * @see Hugging Face transformers: models/gpt_neo/configuration_gpt_neo.py and modeling_gpt_neo.py.
 */
export const gptNeoFamily = decoderFamily({
  ...{ modelType: "gpt_neo", className: "GPTNeo", prefix: "transformer.", tokens: "wte" },
  read(read) {
    // Dropout of a classifier that is another class.
    read.ignore("classifier_dropout", "summary_type", "summary_use_proj", "summary_activation");
    read.ignore("summary_first_dropout", "summary_proj_to_labels");
    const [dModel, numLayers] = [read.count("hidden_size", 2048), read.count("num_layers", 24, "num_hidden_layers")];
    const windowSize = read.count("window_size", 256);
    const kinds = readKinds(read, numLayers);
    return {
      ...{ vocabSize: read.count("vocab_size", 50257), maxSeqLen: read.count("max_position_embeddings", 2048) },
      ...{ dModel, numLayers, numHeads: read.count("num_heads", 16, "num_attention_heads") },
      dFF: read.countOrNull("intermediate_size", 4 * dModel),
      activation: read.choice("activation_function", activationNames, "gelu_new"),
      positions: { kind: "learned" },
      projection: "separate",
      normEpsilon: read.number("layer_norm_epsilon", 1e-5),
      ...{ attentionBias: false, outputBias: true, scale: 1 },
      windows: kinds.map((kind) => (kind === "local" ? windowSize : null)),
      tieHead: read.boolean("tie_word_embeddings", true),
      embeddingDropout: read.number("embed_dropout", 0, 0, 1),
      attentionDropout: read.number("attention_dropout", 0, 0, 1),
      residualDropout: read.number("resid_dropout", 0, 0, 1),
      initStd: read.number("initializer_range", 0.02),
    };
  },
  write: (config) => ({
    activation_function: config.activation ?? "gelu_new",
    attention_dropout: config.attentionDropout ?? 0,
    attention_types: (config.windows ?? Array.from({ length: config.numLayers }, () => null)).map((windowSize) => [
      [windowSize === null ? "global" : "local"],
      1,
    ]),
    embed_dropout: config.embeddingDropout ?? 0,
    hidden_size: config.dModel,
    initializer_range: config.initStd ?? 0.02,
    intermediate_size: config.dFF ?? 4 * config.dModel,
    layer_norm_epsilon: config.normEpsilon ?? 1e-5,
    max_position_embeddings: config.maxSeqLen,
    num_heads: config.numHeads,
    num_layers: config.numLayers,
    resid_dropout: config.residualDropout ?? 0,
    tie_word_embeddings: config.tieHead ?? true,
    vocab_size: config.vocabSize,
    window_size: config.windows?.find((windowSize) => windowSize !== null) ?? 256,
  }),
  floatKeys: [
    ...["attention_dropout", "classifier_dropout", "embed_dropout", "layer_norm_epsilon", "resid_dropout"],
    "summary_first_dropout",
  ],
  rows: () => rows,
  isIgnored: (name) => /^h\.\d+\.attn\.attention\.(bias|masked_bias)$/.test(name),
});
