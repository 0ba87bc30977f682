import { causal, softmaxAttention } from "@heed/attention";
import {
  createEmbedding,
  createFeedForward,
  createGatedFeedForward,
  createRmsNorm,
  type Embedding,
  type Initializer,
  InputEmbedding,
  normalInit,
  zerosInit,
} from "@heed/nn";
import { t5Bias } from "@heed/positions";
import type { Rng, Tensor } from "@heed/tensor";
import { type ActivationName, activationNames, activations } from "./activations.ts";
import { checkConfig, checkHeads } from "./check-config.ts";
import { drop } from "./drop.ts";
import { type EncodeOptions, EncoderDecoder } from "./encoder-decoder.ts";
import { type LayerMakers, makeBlocks, separateAttention } from "./encoder-decoder-blocks.ts";
import { Stack } from "./stack.ts";
import { VocabularyHead } from "./vocabulary-head.ts";

/** What a T5 is. Widths in values, counts of layers, heads and tokens; rates are probabilities in [0, 1). */
export interface T5Config {
  readonly vocabSize: number;
  readonly dModel: number;
  readonly numHeads: number;
  /** width of a head; default dModel / numHeads */
  readonly dHead?: number;
  readonly dFF: number;
  /** of the encoder */
  readonly numLayers: number;
  /** default numLayers */
  readonly numDecoderLayers?: number;
  /** of the feed-forward layers; default relu */
  readonly activation?: ActivationName;
  /** feed-forward layers have a gate (v1.1); default false */
  readonly gated?: boolean;
  /** the head is the token embedding (v1.0); default true */
  readonly tieHead?: boolean;
  /** the head reads states divided by sqrt(dModel) (v1.0); default as tieHead */
  readonly scaleHead?: boolean;
  /** ranges of distances; default 32 */
  readonly numBuckets?: number;
  /** distances from here on share a range, in tokens; default 128 */
  readonly maxDistance?: number;
  /** default 1e-6 */
  readonly layerNormEpsilon?: number;
  /** of embeddings, branches, probabilities, inside feed-forward layers and of final states; default 0 */
  readonly dropout?: number;
  /** tokens in one sequence at most; distances have no end, so the default is no limit */
  readonly maxSeqLen?: number;
  /** multiplies the standard deviations of the first weights; default 1 */
  readonly initFactor?: number;
}

/** Positions are int32. */
const noLimit = 2 ** 31 - 1;

function check(config: T5Config): void {
  checkConfig("t5", config, {
    counts: ["vocabSize", "dModel", "numHeads", "dFF", "numLayers"],
    optionalCounts: ["dHead", "numDecoderLayers", "numBuckets", "maxDistance", "maxSeqLen"],
    rates: ["dropout"],
    sizes: ["layerNormEpsilon", "initFactor"],
    flags: ["gated", "tieHead", "scaleHead"],
    choices: { activation: activationNames },
  });
  if (config.dHead === undefined) checkHeads("t5", config, "Give dHead to choose another head width");
}

/** Draws with a standard deviation, times the factor of the configuration. */
type Draw = (std: number) => Initializer;

const drawFor =
  ({ initFactor = 1 }: T5Config, rng: Rng | null): Draw =>
  (std) =>
    rng ? normalInit({ std: initFactor * std, rng }) : zerosInit();

function makersOf(config: T5Config, draw: Draw): LayerMakers {
  const { dModel, dHead = dModel / config.numHeads, dropout: rate = 0, layerNormEpsilon = 1e-6 } = config;
  const attention = softmaxAttention({ scale: 1, dropout: rate });
  const weight = draw(dModel ** -0.5);
  const activation = activations[config.activation ?? "relu"];
  const create = config.gated ? createGatedFeedForward : createFeedForward;
  return {
    norm: () => createRmsNorm({ dModel, epsilon: layerNormEpsilon }),
    attention: (numHeads) =>
      separateAttention({
        ...{ dModel, numHeads, dHead, attention },
        query: draw((dModel * dHead) ** -0.5), // in place of dividing scores by sqrt(dHead)
        keyValue: weight,
        output: draw((numHeads * dHead) ** -0.5),
      }),
    feedForward: (dFF) => create({ dModel, dFF, activation, weight, contractWeight: draw(dFF ** -0.5), dropout: rate }),
    residualDropout: rate,
  };
}

/** One of the two stacks: the decoder sees backwards only, and reads the encoder. */
function stackOf(config: T5Config, draw: Draw, tokens: Embedding, isDecoder: boolean): Stack {
  const { dModel, numHeads, dFF, numLayers, numDecoderLayers = numLayers } = config;
  const makers = makersOf(config, draw);
  const sizes = { numLayers: isDecoder ? numDecoderLayers : numLayers, numHeads, dFF };
  return new Stack({
    embedding: new InputEmbedding({ tokens }),
    embeddingDropout: config.dropout ?? 0,
    bias: t5Bias({
      numHeads,
      numBuckets: config.numBuckets ?? 32,
      maxDistance: config.maxDistance ?? 128,
      bidirectional: !isDecoder,
      table: draw(dModel ** -0.5),
    }),
    blocks: makeBlocks(makers, sizes, { cross: isDecoder }),
    norm: makers.norm(),
    maxSeqLen: config.maxSeqLen ?? noLimit,
    ...(isDecoder && { mask: causal() }),
  });
}

/**
 * T5: an encoder-decoder whose layers of a stack share one table of relative position biases; norms before the branches, RMS
 * without mean and bias; no other biases; scores without scale.
 *
 * First weights are normal with standard deviation `initFactor` times 1 for embeddings, (dModel dHead)^-0.5 for queries,
 * (fan in)^-0.5 for the others and dModel^-0.5 for position biases; gains are 1.
 *
 * Shapes: forward source int32 [B, S], target int32 [B, T] -> logits [B, T, V].
 *
 * @param rng draws the weights; null leaves zeros, for weights that are about to be loaded
 * @throws RangeError naming the option that is out of range
 * @see Raffel et al. 2019, Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer, section 2.1,
 *   arXiv:1910.10683; Shazeer 2020, GLU Variants Improve Transformer, arXiv:2002.05202 (v1.1).
 * @example
 * const model = t5({ vocabSize: 50, dModel: 16, numHeads: 2, dFF: 32, numLayers: 1 }, rng(0));
 */
export function t5(config: T5Config, rng: Rng | null): EncoderDecoder {
  check(config);
  const { vocabSize, dModel, tieHead = true, scaleHead = tieHead } = config;
  const draw = drawFor(config, rng);
  const tokens = createEmbedding({ numEmbeddings: vocabSize, dModel, weight: draw(1) });
  const encoder = stackOf(config, draw, tokens, false);
  const decoder = stackOf(config, draw, tokens, true);
  const headWeight = tieHead ? tokens.weight : draw(1)([vocabSize, dModel]);
  const head = new VocabularyHead(headWeight, { scale: scaleHead ? dModel ** -0.5 : 1 });
  return new EncoderDecoder({ encoder, decoder, head, outputDropout: config.dropout ?? 0 });
}

/**
 * The encoder of a T5 alone.
 *
 * Shapes: tokens int32 [B, T] -> [B, T, E].
 * @see Ni et al. 2021, Sentence-T5, section 3.1 (encoder only), arXiv:2108.08877.
 */
export class T5Encoder {
  readonly encoder: Stack;
  readonly outputDropout: number;

  constructor({ encoder, outputDropout = 0 }: { readonly encoder: Stack; readonly outputDropout?: number }) {
    this.encoder = encoder;
    this.outputDropout = outputDropout;
  }

  forward(tokens: Tensor, options: EncodeOptions = {}): Tensor {
    const { rng } = options;
    const states = this.encoder.forward(tokens, options);
    return drop(states, this.outputDropout, rng);
  }
}

/**
 * The encoder of a T5 alone, with new weights. Options of the decoder and the head change nothing.
 *
 * Shapes: forward tokens int32 [B, T] -> [B, T, E].
 * @throws RangeError naming the option that is out of range
 * @see Ni et al. 2021, Sentence-T5, section 3.1, arXiv:2108.08877.
 */
export function t5Encoder(config: T5Config, rng: Rng | null): T5Encoder {
  check(config);
  const { vocabSize, dModel } = config;
  const draw = drawFor(config, rng);
  const tokens = createEmbedding({ numEmbeddings: vocabSize, dModel, weight: draw(1) });
  return new T5Encoder({ encoder: stackOf(config, draw, tokens, false), outputDropout: config.dropout ?? 0 });
}

const sizes = { vocabSize: 32128, dHead: 64, dropout: 0.1 };

/**
 * Published sizes of v1.0. Parameters, each weight once: t5-small 60,506,624, t5-base 222,903,552, t5-large 737,668,096.
 *
 * @see Raffel et al. 2019, section 3.7, arXiv:1910.10683.
 */
export const t5Presets = {
  "t5-small": { ...sizes, dModel: 512, numHeads: 8, dFF: 2048, numLayers: 6 },
  "t5-base": { ...sizes, dModel: 768, numHeads: 12, dFF: 3072, numLayers: 12 },
  "t5-large": { ...sizes, dModel: 1024, numHeads: 16, dFF: 4096, numLayers: 24 },
} as const satisfies Readonly<Record<string, T5Config>>;

/** Name of a preset. */
export type T5PresetName = keyof typeof t5Presets;
