import type { JsonObject } from "@heed/checkpoints";
import type { LlamaConfig } from "../llama.ts";
import type { ConfigReader } from "./config-reader.ts";
import { llamaLike } from "./llama-family.ts";

/** The first layer with a window, from `layer_types` where newer files list them; those must be full first, then sliding. */
function firstSlidingLayer(read: ConfigReader, fallback: number): number {
  const types = read.get("layer_types");
  if (!Array.isArray(types)) return fallback;
  const found = types.indexOf("sliding_attention");
  const first = found === -1 ? types.length : found;
  const fits = types.every((type, layer) => type === (layer < first ? "full_attention" : "sliding_attention"));
  return fits ? first : read.refuse("layer_types", "full_attention layers, then sliding_attention layers", types);
}

/** The window of the later layers, where it is used. */
function readWindow(read: ConfigReader): Pick<LlamaConfig, "windowSize" | "firstWindowLayer"> {
  const isUsed = read.boolean("use_sliding_window", false);
  const from = read.whole("max_window_layers", 28);
  const windowSize = read.get("sliding_window") === null ? undefined : read.count("sliding_window", 4096);
  const hasWindow = isUsed && windowSize !== undefined;
  const firstWindowLayer = firstSlidingLayer(read, hasWindow ? from : Number.POSITIVE_INFINITY);
  if (hasWindow) return { windowSize, firstWindowLayer };
  const types = read.get("layer_types");
  if (Array.isArray(types) && firstWindowLayer < types.length)
    read.refuse("layer_types", "full_attention layers, where no sliding window is used", types);
  return {};
}

const writeWindow = ({ windowSize, firstWindowLayer = 0 }: LlamaConfig): JsonObject => ({
  max_window_layers: windowSize === undefined ? 28 : firstWindowLayer,
  sliding_window: windowSize ?? null,
  use_sliding_window: windowSize !== undefined,
});

/**
 * Qwen2: Llama with biases of queries, keys and values, and a window from some layer on.
 *
 * @see Hugging Face transformers: models/qwen2. Differs from its 4.46, where every layer took the window.
 */
export const qwen2Family = llamaLike({
  ...{ modelType: "qwen2", className: "Qwen2" },
  absent: { vocabSize: 151936, maxSeqLen: 32768, dFF: 22016, numKvHeads: 32 },
  read: (read) => ({ attentionBias: true, outputBias: false, ...readWindow(read) }),
  write: writeWindow,
});

/**
 * Qwen3: Qwen2 with RMS norms of the queries and keys of each head instead of biases, and a head width of its own.
 *
 * @see Hugging Face transformers: models/qwen3/configuration_qwen3.py and modeling_qwen3.py.
 */
export const qwen3Family = llamaLike({
  ...{ modelType: "qwen3", className: "Qwen3" },
  absent: { vocabSize: 151936, maxSeqLen: 32768, dFF: 22016, numKvHeads: 32, dHead: 128 },
  read: (read) => ({
    headNorm: true,
    attentionBias: read.boolean("attention_bias", false),
    ...readWindow(read),
  }),
  write: (config) => ({ attention_bias: config.attentionBias ?? false, ...writeWindow(config) }),
});
