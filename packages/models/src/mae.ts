import { createLayerNorm, createLinear, type Linear, type Norm, normalInit, zerosInit } from "@heed/nn";
import { LearnedGridPositions } from "@heed/positions";
import {
  add,
  arange,
  bindShapes,
  concatenate,
  dataSync,
  expectDType,
  matmul,
  multiply,
  oneHot,
  type Rng,
  slice,
  subtract,
  sum,
  type Tensor,
  transpose,
} from "@heed/tensor";
import type { TransformerBlock } from "./block.ts";
import { checkConfig } from "./check-config.ts";
import { runBlocks } from "./run-blocks.ts";
import type { VisionOptions, VisionTransformer } from "./vision-transformer.ts";
import {
  checkVisionLayers,
  type VisionLayers,
  type VitConfig,
  visionBlocks,
  visionTransformer,
  wavePositions,
} from "./vit.ts";

/** What a masked autoencoder is. The encoder is a ViT with a class token and fixed positions. */
export interface MaeConfig extends Omit<VitConfig, "stem" | "positions" | "prefix" | "maskToken" | "heads"> {
  /** layers that rebuild the image; null for the encoder alone. Activation, biases, epsilon and dropout are the encoder's */
  readonly decoder: Pick<VisionLayers, "dModel" | "numLayers" | "numHeads" | "dFF"> | null;
  /** share of patches that are hidden, for the objective, in [0, 1); default 0.75 */
  readonly maskRate?: number;
  /** whether targets are patches of mean 0 and variance 1, for the objective; default false */
  readonly normalizeTargets?: boolean;
}

/** What a {@link PatchDecoder} is made of. */
export interface PatchDecoderParts {
  /** from the encoder's width to its own */
  readonly project: Linear;
  /** stands in place of hidden patches, [D] */
  readonly maskToken: Tensor;
  readonly position: LearnedGridPositions;
  readonly blocks: readonly TransformerBlock[];
  readonly norm: Norm;
  /** to the values of a patch */
  readonly predict: Linear;
}

/**
 * Rebuilds all patches from the states of the visible ones.
 *
 * Shapes: states [B, 1 + M, E], places int32 [B, M] -> predictions [B, N, dPatch].
 * @see He et al. 2022, Masked Autoencoders Are Scalable Vision Learners, section 3, arXiv:2111.06377.
 */
export class PatchDecoder {
  readonly project: Linear;
  readonly maskToken: Tensor;
  readonly position: LearnedGridPositions;
  readonly blocks: readonly TransformerBlock[];
  readonly norm: Norm;
  readonly predict: Linear;

  constructor({ project, maskToken, position, blocks, norm, predict }: PatchDecoderParts) {
    this.project = project;
    this.maskToken = maskToken;
    this.position = position;
    this.blocks = blocks;
    this.norm = norm;
    this.predict = predict;
  }

  forward(states: Tensor, places: Tensor, { rng }: { readonly rng?: Rng | undefined } = {}): Tensor {
    const N = this.position.table.shape[0]! - 1;
    const [B, T] = states.shape as [number, number, number];
    const y = this.project.forward(states);
    const D = y.shape[2]!;
    // Rows of one-hot vectors put each visible patch at its place: exact, and gradients flow through.
    const seen_BMN = oneHot(places, N, { dtype: y.dtype as "float32" });
    const visible = matmul(transpose(seen_BMN), slice(y, [0, 1, 0], [B, T - 1, D]));
    const isHidden = subtract(1, transpose(sum(seen_BMN, { axes: 1, keepDims: true })));
    const patches = add(visible, multiply(this.maskToken, isHidden));
    const x = concatenate([slice(y, [0, 0, 0], [B, 1, D]), patches], { axis: 1 });
    const placed = this.position.embed(x, arange(0, N + 1, { backend: x.backend }));
    const predictions = this.predict.forward(runBlocks(this, placed, { rng }));
    return slice(predictions, [0, 1, 0], [B, N, predictions.shape[2]!]);
  }
}

/** Patches that are read, and where they lie. */
export interface VisiblePatches {
  /** [B, M, patchSize patchSize C] */
  readonly patches: Tensor;
  /** int32 [B, M] among all N, in any order */
  readonly visible: Tensor;
}

/** Whether a model is a {@link MaskedAutoencoder}, also one of another installed copy of this package. */
export function isMaskedAutoencoder(model: object): model is MaskedAutoencoder {
  return "vision" in model && "decoder" in model && "forward" in model;
}

/**
 * An encoder of the visible patches of an image, and a smaller decoder that rebuilds all of them.
 *
 * Shapes: patches [B, M, dPatch], visible int32 [B, M] -> predictions [B, N, dPatch], values of a patch row by row, channels
 * last, as `maskedAutoencoding` of `@heed/objectives` prepares and judges them.
 * @see He et al. 2022, Masked Autoencoders Are Scalable Vision Learners, section 3, arXiv:2111.06377.
 */
export class MaskedAutoencoder {
  readonly vision: VisionTransformer;
  readonly decoder: PatchDecoder | undefined;

  constructor({
    vision,
    decoder,
  }: {
    readonly vision: VisionTransformer;
    readonly decoder?: PatchDecoder | undefined;
  }) {
    this.vision = vision;
    this.decoder = decoder;
  }

  /** What the encoder makes of the visible patches. Shapes: -> [B, 1 + M, E], the class token first. */
  encode({ patches, visible }: VisiblePatches, options: Omit<VisionOptions, "masked"> = {}): Tensor {
    bindShapes("MaskedAutoencoder", { patches: [patches, "B M dPatch"], visible: [visible, "B M"] });
    expectDType("MaskedAutoencoder", { visible }, "int32");
    checkPlaces(visible, this.vision.numPatches);
    return this.vision.forwardPatches(patches, visible, options);
  }

  /**
   * @throws ShapeError for patches of another size; RangeError for a place outside the image or given twice; TypeError if the
   *   model has no decoder
   */
  forward(input: VisiblePatches, options: Omit<VisionOptions, "masked"> = {}): Tensor {
    const { decoder } = this;
    if (!decoder)
      throw new TypeError(
        "MaskedAutoencoder: decoder is missing, expected one to rebuild patches, got an encoder alone. Call encode, or build the model with a decoder",
      );
    return decoder.forward(this.encode(input, options), input.visible, { rng: options.rng });
  }

  /**
   * The same model for images of another size: both tables of positions are interpolated, that of the decoder along the
   * sequence of patches, whatever their rows, as the published code does.
   */
  resized(size: readonly [number, number]): MaskedAutoencoder {
    const vision = this.vision.resized(size);
    const { decoder } = this;
    if (!decoder) return new MaskedAutoencoder({ vision });
    const { table } = decoder.position;
    const line = { grid: [1, table.shape[0]! - 1] as const, numPrefix: 1, trainable: false };
    const position = new LearnedGridPositions(table, line).resize([1, vision.numPatches]);
    return new MaskedAutoencoder({ vision, decoder: new PatchDecoder({ ...decoder, position }) });
  }
}

/** Each patch of an image at most once, where the backend can read at once. */
function checkPlaces(visible: Tensor, numPatches: number): void {
  if (!visible.backend.readSync) return;
  const M = visible.shape[1]!;
  const places = Array.from(dataSync(visible));
  const outside = places.find((place) => place < 0 || place >= numPatches);
  if (outside !== undefined)
    throw new RangeError(
      `MaskedAutoencoder: visible has patch ${outside}, expected places in 0..${numPatches - 1} (from ${numPatches} patches)`,
    );
  const again = places.find((place, i) => places.indexOf(place, i - (i % M)) < i);
  if (again !== undefined)
    throw new RangeError(`MaskedAutoencoder: visible has patch ${again} twice, expected each patch once in an image`);
}

function check({ decoder, maskRate, normalizeTargets, ...encoder }: MaeConfig): void {
  checkConfig("mae", { maskRate, normalizeTargets }, { rates: ["maskRate"], flags: ["normalizeTargets"] });
  if (decoder) checkVisionLayers("mae: decoder", decoder);
  for (const [where, { dModel }] of [
    ["mae", encoder],
    ...(decoder ? [["mae: decoder", decoder] as const] : []),
  ] as const)
    if (dModel % 4 !== 0)
      throw new RangeError(`${where}: dModel does not fit, expected a multiple of 4 for positions, got ${dModel}`);
}

/**
 * A masked autoencoder: a ViT that reads the visible patches only, and a decoder of its own width.
 *
 * First weights are normal with `initStd`; biases are 0 and gains 1. Positions are fixed sines and cosines.
 *
 * Shapes: forward patches [B, M, dPatch], visible int32 [B, M] -> predictions [B, N, dPatch].
 *
 * @param rng draws the weights; null leaves zeros, for weights that are about to be loaded
 * @throws RangeError naming the option that is out of range
 * @see He et al. 2022, Masked Autoencoders Are Scalable Vision Learners, section 3 and appendix A.1, arXiv:2111.06377. Differs:
 *   weights are normal where the authors' are uniform by Glorot and Bengio.
 * @example
 * const decoder = { dModel: 8, numLayers: 1, numHeads: 2, dFF: 16 };
 * const model = mae({ imageSize: 8, patchSize: 2, numChannels: 1, dModel: 16, numLayers: 1, numHeads: 2, dFF: 32, decoder }, rng(0));
 */
export function mae(config: MaeConfig, rng: Rng | null): MaskedAutoencoder {
  check(config);
  const { decoder, maskRate: _, normalizeTargets: __, ...encoder } = config;
  const vision = visionTransformer({ embeddingDropout: 0, ...encoder, positions: "sinusoidal" }, rng);
  return new MaskedAutoencoder({ vision, decoder: decoder ? patchDecoder(vision, config, decoder, rng) : undefined });
}

function patchDecoder(
  vision: VisionTransformer,
  config: MaeConfig,
  sizes: NonNullable<MaeConfig["decoder"]>,
  rng: Rng | null,
): PatchDecoder {
  const { imageSize: _, initStd = 0.02, layerNormEpsilon: epsilon = 1e-12, numChannels = 3, patchSize } = config;
  const { activation, qkvBias, dropout, attentionDropout } = config;
  const weight = rng ? normalInit({ std: initStd, rng }) : zerosInit();
  const { dModel } = sizes;
  const bias = zerosInit();
  const layers = { activation, qkvBias, dropout, attentionDropout, layerNormEpsilon: epsilon };
  const given = Object.fromEntries(Object.entries(layers).filter(([, value]) => value !== undefined));
  return new PatchDecoder({
    project: createLinear({ dIn: config.dModel, dOut: dModel, weight, bias }),
    maskToken: weight([dModel]),
    position: wavePositions({ grid: vision.grid, numPrefix: 1, dModel }),
    blocks: visionBlocks({ ...sizes, ...given }, weight),
    norm: createLayerNorm({ dModel, epsilon }),
    predict: createLinear({ dIn: dModel, dOut: patchSize * patchSize * numChannels, weight, bias }),
  });
}

const decoder = { dModel: 512, numLayers: 8, numHeads: 16, dFF: 2048 };
const images = { imageSize: 224, patchSize: 16, numChannels: 3, normalizeTargets: true, decoder };

/**
 * Published sizes, without positions, which are not trained: mae-base-16 111,655,680, mae-large-16 329,239,296.
 *
 * @see He et al. 2022, section 4, arXiv:2111.06377.
 */
export const maePresets = {
  "mae-base-16": { ...images, dModel: 768, numLayers: 12, numHeads: 12, dFF: 3072 },
  "mae-large-16": { ...images, dModel: 1024, numLayers: 24, numHeads: 16, dFF: 4096 },
} as const satisfies Readonly<Record<string, MaeConfig>>;

/** Name of a preset. */
export type MaePresetName = keyof typeof maePresets;
