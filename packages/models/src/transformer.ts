import { causal, softmaxAttention } from "@heed/attention";
import {
  createEmbedding,
  createFeedForward,
  createLayerNorm,
  createLinear,
  type Embedding,
  InputEmbedding,
  normalInit,
  postNorm,
  preNorm,
  xavierUniformInit,
  zerosInit,
} from "@heed/nn";
import { sinusoidal } from "@heed/positions";
import type { Rng } from "@heed/tensor";
import { type ActivationName, activationNames, activations } from "./activations.ts";
import { checkConfig, checkHeads } from "./check-config.ts";
import { EncoderDecoder } from "./encoder-decoder.ts";
import { type LayerMakers, makeBlocks, separateAttention } from "./encoder-decoder-blocks.ts";
import { Stack } from "./stack.ts";

/** What an original Transformer is. Widths in values, counts of layers, heads and tokens; rates are probabilities in [0, 1). */
export interface TransformerConfig {
  /** of the target, and of the source where they share one */
  readonly vocabSize: number;
  /** of the source; then its embedding is its own; default shared */
  readonly sourceVocabSize?: number;
  readonly dModel: number;
  /** of the encoder and of the decoder */
  readonly numLayers: number;
  readonly numHeads: number;
  /** default 4 dModel */
  readonly dFF?: number;
  /** tokens in one sequence at most; positions are computed, so it costs nothing; default 5000 */
  readonly maxSeqLen?: number;
  /** norms before their branches and after each stack, instead of behind each sum; default false */
  readonly preNorm?: boolean;
  /** biases of the projections in attention; default false */
  readonly attentionBias?: boolean;
  /** default relu */
  readonly activation?: ActivationName;
  /** the head is the token embedding of the target; default true */
  readonly tieHead?: boolean;
  /** sines and cosines in turn as in the paper, or all sines first as in its code; default interleaved */
  readonly sinusoids?: "interleaved" | "concatenated";
  /** default 1e-6 */
  readonly layerNormEpsilon?: number;
  /** of embeddings and of each branch; default 0 */
  readonly dropout?: number;
  /** of attention probabilities; default 0 */
  readonly attentionDropout?: number;
  /** behind the activation of the feed-forward layers; default 0 */
  readonly activationDropout?: number;
}

function check(config: TransformerConfig): void {
  checkConfig("transformer", config, {
    counts: ["vocabSize", "dModel", "numLayers", "numHeads"],
    optionalCounts: ["sourceVocabSize", "dFF", "maxSeqLen"],
    rates: ["dropout", "attentionDropout", "activationDropout"],
    sizes: ["layerNormEpsilon"],
    flags: ["preNorm", "attentionBias", "tieHead"],
    choices: { activation: activationNames, sinusoids: ["interleaved", "concatenated"] },
  });
  checkHeads("transformer", config);
  const { dModel } = config;
  if (dModel % 2 !== 0)
    throw new RangeError(
      `transformer: dModel is odd, expected an even number, got ${dModel}. Sines and cosines come in pairs`,
    );
}

function makersOf(config: TransformerConfig, rng: Rng | null): LayerMakers {
  const { dModel, activation = "relu", layerNormEpsilon = 1e-6, dropout = 0 } = config;
  const weight = rng ? xavierUniformInit({ rng }) : zerosInit();
  const attention = softmaxAttention({ dropout: config.attentionDropout ?? 0 });
  const bias = config.attentionBias ? zerosInit() : undefined;
  return {
    norm: () => createLayerNorm({ dModel, bias: true, epsilon: layerNormEpsilon }),
    attention: (numHeads) =>
      separateAttention({ dModel, numHeads, attention, query: weight, keyValue: weight, output: weight, bias }),
    feedForward: (dFF) =>
      createFeedForward({
        dModel,
        dFF,
        activation: activations[activation],
        weight,
        bias: zerosInit(),
        dropout: config.activationDropout ?? 0,
      }),
    placement: config.preNorm ? preNorm : postNorm,
    residualDropout: dropout,
  };
}

/**
 * The original encoder-decoder Transformer: sinusoidal positions, embeddings scaled by sqrt(dModel) and shared with the head,
 * a norm behind each sum of branch and stream.
 *
 * First weights: Xavier uniform; embeddings normal with standard deviation 1 / sqrt(dModel); biases 0, gains 1.
 * With E = dModel, F = dFF, N layers, a shared vocabulary V and no attention biases it has
 * V E + N (12 E^2 + 4 E F + 2 F + 12 E) parameters; attention biases add 12 N E, `preNorm` 4 E, an own embedding of the source
 * its V E, an untied head V E.
 *
 * Shapes: forward source int32 [B, S], target int32 [B, T] -> logits [B, T, V].
 *
 * @param rng draws the weights; null leaves zeros, for weights that are about to be loaded
 * @throws RangeError naming the option that is out of range
 * @see Vaswani et al. 2017, Attention Is All You Need, arXiv:1706.03762. Differs: the paper does not say where dropout stands
 *   beside sums and embeddings, nor epsilon, nor the first weights; those are of tensorflow/tensor2tensor: transformer.py.
 * @example
 * const model = transformer({ vocabSize: 50, dModel: 16, numLayers: 1, numHeads: 2 }, rng(0));
 */
export function transformer(config: TransformerConfig, rng: Rng | null): EncoderDecoder {
  check(config);
  const { vocabSize, sourceVocabSize, dModel, numLayers, numHeads, dFF = 4 * dModel, maxSeqLen = 5000 } = config;
  const makers = makersOf(config, rng);
  const weight = rng ? normalInit({ std: dModel ** -0.5, rng }) : zerosInit();
  const targets = createEmbedding({ numEmbeddings: vocabSize, dModel, weight });
  const sources =
    sourceVocabSize === undefined ? targets : createEmbedding({ numEmbeddings: sourceVocabSize, dModel, weight });
  const position = sinusoidal({ layout: config.sinusoids ?? "interleaved" });
  const stack = (tokens: Embedding, cross: boolean): Stack =>
    new Stack({
      embedding: new InputEmbedding({ tokens, position, scale: Math.sqrt(dModel) }),
      embeddingDropout: config.dropout ?? 0,
      blocks: makeBlocks(makers, { numLayers, numHeads, dFF }, { cross }),
      norm: config.preNorm ? makers.norm() : undefined,
      maxSeqLen,
      ...(cross && { mask: causal() }),
    });
  return new EncoderDecoder({
    encoder: stack(sources, false),
    decoder: stack(targets, true),
    head: (config.tieHead ?? true) ? undefined : createLinear({ dIn: dModel, dOut: vocabSize, weight }),
  });
}

/**
 * Sizes of the paper, with a shared vocabulary of 37,000. Parameters, each weight once, without attention biases:
 * base 63,045,632, big 214,171,648. The paper's table 3 says 65 M and 213 M.
 *
 * @see Vaswani et al. 2017, table 3, arXiv:1706.03762; dropout 0.3 of the big one is that for English-German.
 */
export const transformerPresets = {
  base: { vocabSize: 37000, dModel: 512, numLayers: 6, numHeads: 8, dFF: 2048, dropout: 0.1 },
  big: { vocabSize: 37000, dModel: 1024, numLayers: 6, numHeads: 16, dFF: 4096, dropout: 0.3 },
} as const satisfies Readonly<Record<string, TransformerConfig>>;

/** Name of a preset. */
export type TransformerPresetName = keyof typeof transformerPresets;
