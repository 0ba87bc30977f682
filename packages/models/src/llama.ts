import {
  and,
  causal,
  MultiHeadAttention,
  NormalizedProjection,
  type Projection,
  SeparateProjection,
  slidingWindow,
  softmaxAttention,
} from "@heed/attention";
import {
  createEmbedding,
  createGatedFeedForward,
  createLinear,
  createRmsNorm,
  type Initializer,
  InputEmbedding,
  normalInit,
  zerosInit,
} from "@heed/nn";
import type { PositionEncoding } from "@heed/positions";
import type { Rng } from "@heed/tensor";
import { type ActivationName, activationNames, activations } from "./activations.ts";
import { Block } from "./block.ts";
import { byOrder } from "./by-order.ts";
import { checkConfig, checkHeads } from "./check-config.ts";
import { Decoder } from "./decoder.ts";
import { type RotaryConfig, rotaryOf } from "./rotary-config.ts";

/** What a Llama-shaped model is. Widths in values, counts of layers, heads and tokens; rates are probabilities in [0, 1). */
export interface LlamaConfig {
  readonly vocabSize: number;
  readonly maxSeqLen: number;
  readonly dModel: number;
  readonly numLayers: number;
  readonly numHeads: number;
  /** default numHeads; fewer share keys and values among query heads */
  readonly numKvHeads?: number;
  /** default dModel / numHeads */
  readonly dHead?: number;
  readonly dFF: number;
  /** of the gate; default silu */
  readonly activation?: ActivationName;
  readonly rotary?: RotaryConfig;
  /** default 1e-6 */
  readonly rmsNormEpsilon?: number;
  /** norms hold their gains less 1, so that they start at 0; default false */
  readonly gainsLessOne?: boolean;
  /** embeddings are multiplied by sqrt(dModel); default false */
  readonly scaleEmbedding?: boolean;
  /** RMS norms of the queries and keys of each head; default false */
  readonly headNorm?: boolean;
  /** biases of queries, keys and values; default false */
  readonly attentionBias?: boolean;
  /** bias behind attention; default as attentionBias */
  readonly outputBias?: boolean;
  /** default false */
  readonly feedForwardBias?: boolean;
  /** the head is the token embedding; default false */
  readonly tieHead?: boolean;
  /** keys a query sees, itself included; default all before it */
  readonly windowSize?: number;
  /** layers before this one see everything; default 0 */
  readonly firstWindowLayer?: number;
  /** default 0 */
  readonly attentionDropout?: number;
  /** standard deviation of the first weights; default 0.02 */
  readonly initStd?: number;
}

function check({ rotary, ...config }: LlamaConfig): void {
  checkConfig("llama", config, {
    counts: ["vocabSize", "maxSeqLen", "dModel", "numLayers", "numHeads", "dFF"],
    optionalCounts: ["numKvHeads", "dHead", "windowSize"],
    optionalWholes: ["firstWindowLayer"],
    rates: ["attentionDropout"],
    sizes: ["rmsNormEpsilon", "initStd"],
    flags: ["gainsLessOne", "scaleEmbedding", "headNorm", "attentionBias", "outputBias", "feedForwardBias", "tieHead"],
    choices: { activation: activationNames },
  });
  const { dModel, numHeads, numKvHeads = numHeads, dHead = dModel / numHeads } = config;
  if (config.dHead === undefined) checkHeads("llama", config, "Give dHead to choose another head width");
  if (dHead % 2 !== 0 && rotary?.width === undefined)
    throw new RangeError(`llama: dHead is odd, expected an even number, got ${dHead}. Rotary channels turn in pairs`);
  if (numHeads % numKvHeads !== 0)
    throw new RangeError(`llama: numKvHeads is wrong, expected a divisor of numHeads=${numHeads}, got ${numKvHeads}`);
}

/**
 * Today's decoder: RMS norms before each branch, rotary positions, gated feed-forward (SwiGLU), keys and values shared among query
 * heads. Mistral adds a window, Qwen2 biases, Qwen3 norms of queries and keys; Gemma scales its embeddings.
 *
 * First weights are normal with `initStd`; biases are 0 and gains 1, or 0 where they are less 1.
 *
 * Shapes: forward tokens int32 [B, T] -> logits [B, T, V].
 *
 * @param rng draws the weights; null leaves zeros, for weights that are about to be loaded
 * @throws RangeError naming the option that is out of range
 * @see Touvron et al. 2023, LLaMA, section 2.2, arXiv:2302.13971, and Llama 2, arXiv:2307.09288; Jiang et al. 2023, Mistral 7B,
 *   arXiv:2310.06825; Yang et al. 2024, Qwen2 Technical Report, arXiv:2407.10671; Qwen Team 2025, Qwen3 Technical
 *   Report, arXiv:2505.09388; Gemma Team 2024, Gemma: Open Models Based on Gemini Research and Technology, arXiv:2403.08295.
 * @example
 * const model = llama({ vocabSize: 65, maxSeqLen: 64, dModel: 32, numLayers: 2, numHeads: 4, numKvHeads: 2, dFF: 88 }, rng(0));
 */
export function llama(config: LlamaConfig, rng: Rng | null): Decoder {
  check(config);
  const { vocabSize, maxSeqLen, dModel, numLayers, windowSize, firstWindowLayer = 0, initStd = 0.02 } = config;
  const weight = rng ? normalInit({ std: initStd, rng }) : zerosInit();
  const position = rotaryOf(config.rotary ?? {});
  const all = byOrder(causal());
  const near = windowSize === undefined ? all : and(all, slidingWindow({ windowSize }));
  return new Decoder({
    embedding: new InputEmbedding({
      tokens: createEmbedding({ numEmbeddings: vocabSize, dModel, weight }),
      scale: config.scaleEmbedding ? Math.sqrt(dModel) : 1,
    }),
    blocks: Array.from({ length: numLayers }, () => block(config, position, weight)),
    norm: norm(config, dModel),
    head: config.tieHead ? undefined : createLinear({ dIn: dModel, dOut: vocabSize, weight }),
    maxSeqLen,
    mask: Array.from({ length: numLayers }, (_, layer) => (layer < firstWindowLayer ? all : near)),
  });
}

const norm = ({ rmsNormEpsilon: epsilon = 1e-6, gainsLessOne = false }: LlamaConfig, dModel: number) =>
  createRmsNorm({ dModel, epsilon, gainOffset: gainsLessOne ? 1 : 0 });

const bias = (has: boolean): Initializer | undefined => (has ? zerosInit() : undefined);

function projection(config: LlamaConfig, weight: Initializer): Projection {
  const { dModel, numHeads, numKvHeads = numHeads, dHead = dModel / numHeads, attentionBias = false } = config;
  const project = (heads: number) =>
    createLinear({ dIn: dModel, dOut: heads * dHead, weight, bias: bias(attentionBias) });
  const plain = new SeparateProjection({
    ...{ query: project(numHeads), key: project(numKvHeads), value: project(numKvHeads) },
    ...{ numHeads, numKvHeads },
  });
  if (!config.headNorm) return plain;
  return new NormalizedProjection({ projection: plain, query: norm(config, dHead), key: norm(config, dHead) });
}

function block(config: LlamaConfig, position: PositionEncoding, weight: Initializer): Block {
  const { dModel, dFF, numHeads, dHead = dModel / numHeads } = config;
  const { attentionBias = false, outputBias = attentionBias, activation = "silu" } = config;
  return new Block({
    norm1: norm(config, dModel),
    attention: new MultiHeadAttention({
      projection: projection(config, weight),
      output: createLinear({ dIn: numHeads * dHead, dOut: dModel, weight, bias: bias(outputBias) }),
      attention: softmaxAttention({ dropout: config.attentionDropout ?? 0 }),
      position,
    }),
    norm2: norm(config, dModel),
    feedForward: createGatedFeedForward({
      ...{ dModel, dFF, activation: activations[activation], weight, bias: bias(config.feedForwardBias ?? false) },
    }),
  });
}

const llama2 = { vocabSize: 32000, maxSeqLen: 4096, rmsNormEpsilon: 1e-5 };
const gemma = {
  ...{ vocabSize: 256000, maxSeqLen: 8192, dHead: 256, activation: "gelu_pytorch_tanh" },
  ...{ gainsLessOne: true, scaleEmbedding: true, tieHead: true },
} satisfies Partial<LlamaConfig>;
const llama3Rotary: RotaryConfig = {
  base: 500000,
  scaling: {
    ...{ kind: "llama3", factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxSeqLen: 8192 },
  },
};

/**
 * Published sizes. Parameters, each weight once: tinyllama-1.1b 1,100,048,384, llama-2-7b 6,738,415,616, llama-3-8b
 * 8,030,261,248, llama-3.2-1b 1,235,814,400, mistral-7b 7,241,732,096, qwen2-0.5b 494,032,768, qwen3-0.6b 596,049,920,
 * gemma-2b 2,506,172,416, gemma-7b 8,537,680,896.
 *
 * @see the config.json of TinyLlama/TinyLlama-1.1B, meta-llama/Llama-2-7b-hf, Meta-Llama-3-8B and Llama-3.2-1B,
 *   mistralai/Mistral-7B-v0.1, Qwen/Qwen2-0.5B and Qwen3-0.6B, google/gemma-2b
 *   and gemma-7b.
 */
export const llamaPresets = {
  "tinyllama-1.1b": {
    ...{ ...llama2, maxSeqLen: 2048, dModel: 2048, numLayers: 22, numHeads: 32, numKvHeads: 4, dFF: 5632 },
  },
  "llama-2-7b": { ...llama2, dModel: 4096, numLayers: 32, numHeads: 32, dFF: 11008 },
  "llama-3-8b": {
    ...{ vocabSize: 128256, maxSeqLen: 8192, dModel: 4096, numLayers: 32, numHeads: 32, numKvHeads: 8, dFF: 14336 },
    ...{ rmsNormEpsilon: 1e-5, rotary: { base: 500000 } },
  },
  "llama-3.2-1b": {
    ...{ vocabSize: 128256, maxSeqLen: 131072, dModel: 2048, numLayers: 16, numHeads: 32, numKvHeads: 8, dFF: 8192 },
    ...{ rmsNormEpsilon: 1e-5, rotary: llama3Rotary, tieHead: true },
  },
  "mistral-7b": {
    ...{ vocabSize: 32000, maxSeqLen: 32768, dModel: 4096, numLayers: 32, numHeads: 32, numKvHeads: 8, dFF: 14336 },
    ...{ rmsNormEpsilon: 1e-5, windowSize: 4096 },
  },
  "qwen2-0.5b": {
    ...{ vocabSize: 151936, maxSeqLen: 131072, dModel: 896, numLayers: 24, numHeads: 14, numKvHeads: 2, dFF: 4864 },
    ...{ rotary: { base: 1_000_000 }, attentionBias: true, outputBias: false, tieHead: true },
  },
  "qwen3-0.6b": {
    ...{ vocabSize: 151936, maxSeqLen: 40960, dModel: 1024, numLayers: 28, numHeads: 16, numKvHeads: 8, dFF: 3072 },
    ...{ dHead: 128, rotary: { base: 1_000_000 }, headNorm: true, tieHead: true },
  },
  "gemma-2b": { ...gemma, dModel: 2048, numLayers: 18, numHeads: 8, numKvHeads: 1, dFF: 16384 },
  "gemma-7b": { ...gemma, dModel: 3072, numLayers: 28, numHeads: 16, dFF: 24576 },
} as const satisfies Readonly<Record<string, LlamaConfig>>;

/** Name of a preset. */
export type LlamaPresetName = keyof typeof llamaPresets;
