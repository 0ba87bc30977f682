import { causal, softmaxAttention } from "@heed/attention";
import {
  createEmbedding,
  createFeedForward,
  createLayerNorm,
  type Embedding,
  type Initializer,
  InputEmbedding,
  normalInit,
  postNorm,
  preNorm,
  zerosInit,
} from "@heed/nn";
import { learned, sinusoidal } from "@heed/positions";
import type { Rng } from "@heed/tensor";
import { type ActivationName, activationNames, activations } from "./activations.ts";
import { checkConfig, checkHeads } from "./check-config.ts";
import { EncoderDecoder } from "./encoder-decoder.ts";
import { type LayerMakers, makeBlocks, type StackSizes, separateAttention } from "./encoder-decoder-blocks.ts";
import { Stack } from "./stack.ts";
import { VocabularyHead } from "./vocabulary-head.ts";

/** What a BART or one of its relatives is. Widths in values, counts of layers, heads and tokens; rates are probabilities in [0, 1). */
export interface BartConfig {
  readonly vocabSize: number;
  /** of the target, where its embedding is its own; default shared */
  readonly targetVocabSize?: number;
  readonly maxSeqLen: number;
  readonly dModel: number;
  readonly encoder: StackSizes;
  readonly decoder: StackSizes;
  /** default gelu */
  readonly activation?: ActivationName;
  /** a table, or fixed sines before cosines (Marian, Pegasus); default learned */
  readonly positions?: "learned" | "sinusoidal";
  /** rows of the table before that of position 0; default 2 */
  readonly positionOffset?: number;
  /** a norm of the embeddings; default true */
  readonly embeddingNorm?: boolean;
  /** norms before their branches and after each stack, instead of behind each sum; default false */
  readonly preNorm?: boolean;
  /** token vectors are multiplied by sqrt(dModel); default false */
  readonly scaleEmbedding?: boolean;
  /** the head is the token embedding of the target; default true */
  readonly tieHead?: boolean;
  /** something fixed is added to logits, at first 0; default true */
  readonly logitsBias?: boolean;
  /** token whose embedding its own lookups do not train; default none */
  readonly paddingId?: number;
  /** of embeddings and branches; default 0 */
  readonly dropout?: number;
  /** of attention probabilities; default 0 */
  readonly attentionDropout?: number;
  /** behind the activation of the feed-forward layers; default 0 */
  readonly activationDropout?: number;
  /** standard deviation of the first weights; default 0.02 */
  readonly initStd?: number;
}

function check({ encoder, decoder, ...config }: BartConfig): void {
  checkConfig("bart", config, {
    counts: ["vocabSize", "maxSeqLen", "dModel"],
    optionalCounts: ["targetVocabSize"],
    optionalWholes: ["positionOffset", "paddingId"],
    rates: ["dropout", "attentionDropout", "activationDropout"],
    sizes: ["initStd"],
    flags: ["embeddingNorm", "preNorm", "scaleEmbedding", "tieHead", "logitsBias"],
    choices: { activation: activationNames, positions: ["learned", "sinusoidal"] },
  });
  const { dModel } = config;
  for (const [name, sizes] of Object.entries({ encoder, decoder })) {
    checkConfig(`bart: ${name}`, sizes ?? {}, { counts: ["numLayers", "numHeads", "dFF"] });
    checkHeads(`bart: ${name}`, { dModel, numHeads: sizes.numHeads });
  }
}

function makersOf(config: BartConfig, weight: Initializer): LayerMakers {
  const { dModel } = config;
  const attention = softmaxAttention({ dropout: config.attentionDropout ?? 0 });
  const bias = zerosInit();
  return {
    norm: () => createLayerNorm({ dModel, bias: true, epsilon: 1e-5 }),
    attention: (numHeads) =>
      separateAttention({ dModel, numHeads, attention, query: weight, keyValue: weight, output: weight, bias }),
    feedForward: (dFF) =>
      createFeedForward({
        ...{ dModel, dFF, weight, bias, dropout: config.activationDropout ?? 0 },
        activation: activations[config.activation ?? "gelu"],
      }),
    placement: config.preNorm ? preNorm : postNorm,
    residualDropout: config.dropout ?? 0,
  };
}

function stackOf(config: BartConfig, weight: Initializer, tokens: Embedding, part: "encoder" | "decoder"): Stack {
  const { dModel, maxSeqLen, positionOffset: offset = 2, embeddingNorm = true } = config;
  const makers = makersOf(config, weight);
  const isDecoder = part === "decoder";
  const position =
    config.positions === "sinusoidal"
      ? sinusoidal({ layout: "concatenated" })
      : learned({ maxSeqLen, dModel, offset, table: weight });
  return new Stack({
    embedding: new InputEmbedding({ tokens, position, scale: config.scaleEmbedding ? Math.sqrt(dModel) : 1 }),
    embeddingNorm: embeddingNorm ? makers.norm() : undefined,
    embeddingDropout: config.dropout ?? 0,
    blocks: makeBlocks(makers, config[part], { cross: isDecoder }),
    norm: config.preNorm ? makers.norm() : undefined,
    maxSeqLen,
    ...(isDecoder && { mask: causal() }),
  });
}

/**
 * BART: the original encoder-decoder with learned positions, gelu, a norm of the embeddings and biases everywhere. Its relatives
 * differ by data: Marian, mBART, Pegasus, Blenderbot.
 *
 * First weights are normal with `initStd`; biases are 0 and gains 1.
 *
 * Shapes: forward source int32 [B, S], target int32 [B, T] -> logits [B, T, V].
 *
 * @param rng draws the weights; null leaves zeros, for weights that are about to be loaded
 * @throws RangeError naming the option that is out of range
 * @see Lewis et al. 2019, BART: Denoising Sequence-to-Sequence Pre-training, section 2.1, arXiv:1910.13461; Junczys-Dowmunt et
 *   al. 2018, Marian, arXiv:1804.00344; Liu et al. 2020, mBART, arXiv:2001.08210; Zhang et al. 2019, PEGASUS, arXiv:1912.08777.
 * @example
 * const sizes = { numLayers: 1, numHeads: 2, dFF: 32 };
 * const model = bart({ vocabSize: 50, maxSeqLen: 20, dModel: 16, encoder: sizes, decoder: sizes }, rng(0));
 */
export function bart(config: BartConfig, rng: Rng | null): EncoderDecoder {
  check(config);
  const { vocabSize, targetVocabSize, dModel, paddingId, initStd = 0.02 } = config;
  const weight = rng ? normalInit({ std: initStd, rng }) : zerosInit();
  const embed = (numEmbeddings: number) => createEmbedding({ numEmbeddings, dModel, weight, paddingId });
  const sources = embed(vocabSize);
  const targets = targetVocabSize === undefined ? sources : embed(targetVocabSize);
  const V = targetVocabSize ?? vocabSize;
  const encoder = stackOf(config, weight, sources, "encoder");
  const decoder = stackOf(config, weight, targets, "decoder");
  const fixedBias = (config.logitsBias ?? true) ? zerosInit()([V]) : undefined;
  const head = new VocabularyHead((config.tieHead ?? true) ? targets.weight : weight([V, dModel]), { fixedBias });
  return new EncoderDecoder({ encoder, decoder, head });
}

const large = { numLayers: 12, numHeads: 16, dFF: 4096 };
const base = { numLayers: 6, numHeads: 12, dFF: 3072 };

/**
 * Published sizes. Parameters, each weight once: bart-base 139,420,416, bart-large 406,291,456, and 50,265 values beside them
 * that are added to logits and not trained.
 *
 * @see Lewis et al. 2019, section 2.1, arXiv:1910.13461.
 */
export const bartPresets = {
  "bart-base": {
    vocabSize: 50265,
    maxSeqLen: 1024,
    dModel: 768,
    encoder: base,
    decoder: base,
    dropout: 0.1,
    paddingId: 1,
  },
  "bart-large": {
    vocabSize: 50265,
    maxSeqLen: 1024,
    dModel: 1024,
    encoder: large,
    decoder: large,
    dropout: 0.1,
    paddingId: 1,
  },
} as const satisfies Readonly<Record<string, BartConfig>>;

/** Name of a preset. */
export type BartPresetName = keyof typeof bartPresets;
