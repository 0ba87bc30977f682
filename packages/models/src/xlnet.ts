import { createEmbedding, createFeedForward, createLayerNorm, Linear, normalInit, zerosInit } from "@heed/nn";
import type { Rng } from "@heed/tensor";
import { type ActivationName, activationNames, activations } from "./activations.ts";
import { checkConfig, checkHeads } from "./check-config.ts";
import { createRelativeAttention, XlnetBlock } from "./xlnet-attention.ts";
import { Xlnet } from "./xlnet-model.ts";

/** What an XLNet is. Widths in values, counts of layers, heads and tokens; rates are probabilities in [0, 1). */
export interface XlnetConfig {
  readonly vocabSize: number;
  /** even: distances are sines and cosines */
  readonly dModel: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly dFF: number;
  /** default gelu */
  readonly activation?: ActivationName;
  /** places see those before them only, as in Transformer-XL; default false */
  readonly causal?: boolean;
  /** with causal: those farther back than the memory are hidden, which without a memory leaves each place itself; default false */
  readonly sameLength?: boolean;
  /** farther places count as this far; default none */
  readonly maxDistance?: number;
  /** the second half of a batch is read backwards: its distances change sign; default false */
  readonly twoWayBatches?: boolean;
  /** tokens in one sequence at most; default any number: distances are computed */
  readonly maxSeqLen?: number;
  /** a last layer over the vocabulary; without it the states are what the model gives; default true */
  readonly head?: boolean;
  /** its weight is the token embedding; default true */
  readonly tieHead?: boolean;
  /** default 1e-12 */
  readonly layerNormEpsilon?: number;
  /** of embeddings, distances, probabilities, branches and states; default 0 */
  readonly dropout?: number;
  /** standard deviation of the first weights; default 0.02 */
  readonly initStd?: number;
}

function checkXlnetConfig(config: XlnetConfig): void {
  checkConfig("xlnet", config, {
    counts: ["vocabSize", "dModel", "numLayers", "numHeads", "dFF"],
    optionalCounts: ["maxDistance", "maxSeqLen"],
    rates: ["dropout"],
    sizes: ["layerNormEpsilon", "initStd"],
    flags: ["causal", "sameLength", "twoWayBatches", "head", "tieHead"],
    choices: { activation: activationNames },
  });
  checkHeads("xlnet", config);
  const { dModel } = config;
  if (dModel % 2 !== 0)
    throw new RangeError(
      `xlnet: dModel is odd, expected an even number, got ${dModel}. Distances are sines and cosines`,
    );
}

/**
 * XLNet with its head over the vocabulary: predicts tokens in any order, or all at once where no order is given.
 *
 * First weights are normal with `initStd`; biases are 0 and gains 1.
 *
 * Shapes: forward tokens int32 [B, T] -> logits [B, T, V], or of the mapped places [B, P, V].
 *
 * @param rng draws the weights; null leaves zeros, for weights that are about to be loaded
 * @throws RangeError naming the option that is out of range
 * @see Yang et al. 2019, XLNet, section 2, arXiv:1906.08237.
 * @example
 * const model = xlnet({ vocabSize: 50, dModel: 8, numLayers: 1, numHeads: 2, dFF: 16 }, rng(0));
 */
export function xlnet(config: XlnetConfig, rng: Rng | null): Xlnet {
  checkXlnetConfig(config);
  const { vocabSize, dModel, numLayers, numHeads, dFF, dropout = 0, initStd = 0.02, layerNormEpsilon = 1e-12 } = config;
  const { head = true, tieHead = true, causal, sameLength, maxDistance, twoWayBatches, maxSeqLen } = config;
  const weight = rng ? normalInit({ std: initStd, rng }) : zerosInit();
  const bias = zerosInit();
  const norm = () => createLayerNorm({ dModel, bias: true, epsilon: layerNormEpsilon });
  const activation = activations[config.activation ?? "gelu"];
  const tokens = createEmbedding({ numEmbeddings: vocabSize, dModel, weight });
  const block = (): XlnetBlock =>
    new XlnetBlock({
      attention: createRelativeAttention({ dModel, numHeads, weight, dropout }),
      norm1: norm(),
      feedForward: createFeedForward({ dModel, dFF, activation, weight, bias, dropout }),
      norm2: norm(),
      residualDropout: dropout,
    });
  return new Xlnet({
    tokens,
    queryEmbedding: weight([1, 1, dModel]),
    blocks: Array.from({ length: numLayers }, block),
    head: head ? new Linear(tieHead ? tokens.weight : weight([vocabSize, dModel]), bias([vocabSize])) : undefined,
    ...{ dropout, causal, sameLength, maxDistance, twoWayBatches, maxSeqLen },
  });
}

const sizes = { vocabSize: 32000, dropout: 0.1 };

/**
 * Published sizes. Parameters without the bias of the head, each weight once: xlnet-base 116,718,336, xlnet-large 360,268,800.
 *
 * @see Yang et al. 2019, appendix A.4.1, arXiv:1906.08237; counted from the public checkpoints' shapes.
 */
export const xlnetPresets = {
  "xlnet-base": { ...sizes, dModel: 768, numLayers: 12, numHeads: 12, dFF: 3072 },
  "xlnet-large": { ...sizes, dModel: 1024, numLayers: 24, numHeads: 16, dFF: 4096 },
} as const satisfies Readonly<Record<string, XlnetConfig>>;

/** Name of a preset. */
export type XlnetPresetName = keyof typeof xlnetPresets;
