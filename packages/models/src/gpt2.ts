import type { Rng } from "@heed/tensor";
import { type ActivationName, activationNames } from "./activations.ts";
import { checkConfig, checkHeads } from "./check-config.ts";
import type { Decoder } from "./decoder.ts";
import { decoderModel } from "./decoder-model.ts";

/** What a GPT-2-shaped model is. Widths in values, counts of layers, heads and tokens; rates are probabilities in [0, 1). */
export interface Gpt2Config {
  readonly vocabSize: number;
  readonly maxSeqLen: number;
  readonly dModel: number;
  readonly numLayers: number;
  readonly numHeads: number;
  /** default 4 dModel */
  readonly dFF?: number;
  /** default gelu_new, the tanh approximation */
  readonly activation?: ActivationName;
  /** biases of linear layers and norms; default true */
  readonly bias?: boolean;
  /** default 1e-5 */
  readonly layerNormEpsilon?: number;
  /** the head is the token embedding; default true */
  readonly tieHead?: boolean;
  /** divide scores by sqrt(head width); default true */
  readonly scaleScores?: boolean;
  /** also divide scores of layer i by i + 1; default false */
  readonly scaleScoresByLayer?: boolean;
  /** default 0 */
  readonly embeddingDropout?: number;
  /** default 0 */
  readonly attentionDropout?: number;
  /** default 0 */
  readonly residualDropout?: number;
  /** standard deviation of the first weights; default 0.02 */
  readonly initStd?: number;
}

/**
 * A GPT-2-shaped decoder: learned positions, pre-norm blocks, tied head.
 *
 * First weights are normal with `initStd`; the projections that end a residual branch are smaller by sqrt(2 numLayers);
 * biases are 0 and gains 1.
 *
 * Shapes: forward tokens int32 [B, T] -> logits [B, T, V].
 *
 * @param rng draws the weights; null leaves zeros, for weights that are about to be loaded
 * @throws RangeError naming the option that is out of range
 * @see Radford et al. 2019, Language Models are Unsupervised Multitask Learners, section 2.3.
 * @example
 * const model = gpt2({ vocabSize: 65, maxSeqLen: 64, dModel: 128, numLayers: 4, numHeads: 4 }, rng(0));
 */
export function gpt2(config: Gpt2Config, rng: Rng | null): Decoder {
  check(config);
  const { layerNormEpsilon = 1e-5, bias = true, scaleScores = true, scaleScoresByLayer = false, ...same } = config;
  return decoderModel(
    {
      ...same,
      positions: { kind: "learned" },
      norm: bias ? "layer" : "layer without bias",
      normEpsilon: layerNormEpsilon,
      attentionBias: bias,
      feedForwardBias: bias,
      ...(!scaleScores && { scale: 1 }),
      scaleByLayer: scaleScoresByLayer,
      smallBranchEnds: true,
    },
    rng,
  );
}

function check(config: Gpt2Config): void {
  checkConfig("gpt2", config, {
    counts: ["vocabSize", "maxSeqLen", "dModel", "numLayers", "numHeads"],
    optionalCounts: ["dFF"],
    rates: ["embeddingDropout", "attentionDropout", "residualDropout"],
    sizes: ["layerNormEpsilon", "initStd"],
    flags: ["bias", "tieHead", "scaleScores", "scaleScoresByLayer"],
    choices: { activation: activationNames },
  });
  checkHeads("gpt2", config);
}

const gpt2Sizes = {
  vocabSize: 50257,
  maxSeqLen: 1024,
  embeddingDropout: 0.1,
  attentionDropout: 0.1,
  residualDropout: 0.1,
};
const nanoSizes = { vocabSize: 65, bias: false, activation: "gelu" } as const;

/**
 * Published sizes. Parameters, each weight once, positions included: gpt2 124,439,808, gpt2-medium 354,823,168,
 * gpt2-large 774,030,080, gpt2-xl 1,557,611,200, nanogpt-cpu 804,096, nanogpt-baby 10,745,088.
 *
 * @see Radford et al. 2019 (the four GPT-2); karpathy/nanoGPT: README.md and config/train_shakespeare_char.py (the two
 *   nanogpt, without biases, exact gelu). nanoGPT prints the count without positions, 10.65 M for the baby.
 */
export const gpt2Presets = {
  gpt2: { ...gpt2Sizes, dModel: 768, numLayers: 12, numHeads: 12 },
  "gpt2-medium": { ...gpt2Sizes, dModel: 1024, numLayers: 24, numHeads: 16 },
  "gpt2-large": { ...gpt2Sizes, dModel: 1280, numLayers: 36, numHeads: 20 },
  "gpt2-xl": { ...gpt2Sizes, dModel: 1600, numLayers: 48, numHeads: 25 },
  "nanogpt-cpu": { ...nanoSizes, maxSeqLen: 64, dModel: 128, numLayers: 4, numHeads: 4 },
  "nanogpt-baby": {
    ...nanoSizes,
    maxSeqLen: 256,
    dModel: 384,
    numLayers: 6,
    numHeads: 6,
    embeddingDropout: 0.2,
    attentionDropout: 0.2,
    residualDropout: 0.2,
  },
} as const satisfies Readonly<Record<string, Gpt2Config>>;

/** Name of a preset. */
export type Gpt2PresetName = keyof typeof gpt2Presets;
