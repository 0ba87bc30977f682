import { createLinear, type Linear, normalInit, zerosInit } from "@heed/nn";
import type { Rng, Tensor } from "@heed/tensor";
import {
  type ClipImageConfig,
  checkClipImage,
  checkClipText,
  clipBlockWeights,
  createClipImages,
  type Draw,
} from "./clip.ts";
import { type ClipText, type ClipTextConfig, createClipText } from "./clip-text.ts";
import type { ImageModel } from "./image-model.ts";
import type { StackOptions } from "./stack.ts";
import type { VisionOptions } from "./vision-transformer.ts";

/** What both towers may have when they stand alone. */
interface TowerConfig {
  /** of a layer behind what is read; default none */
  readonly dProjection?: number;
  /** multiplies the spread of all first weights; default 1 */
  readonly initFactor?: number;
}

/** The text tower of CLIP alone. */
export type ClipTextTowerConfig = ClipTextConfig & TowerConfig;

/** The image tower of CLIP alone. */
export type ClipImageTowerConfig = ClipImageConfig & TowerConfig;

/** What a tower gives. */
export interface TowerOutputs {
  /** [B, T, E]; of images before the norm */
  readonly states: Tensor;
  /** of the end token, or the norm of the class token, [B, E] */
  readonly pooled: Tensor;
  /** where there is a projection, [B, D] */
  readonly projected?: Tensor;
}

const outputsOf = (states: Tensor, pooled: Tensor, projection: Linear | undefined): TowerOutputs => ({
  ...{ states, pooled },
  ...(projection && { projected: projection.forward(pooled) }),
});

/**
 * The text tower of CLIP alone.
 *
 * Shapes: tokens int32 [B, T] -> states [B, T, E], pooled [B, E], projected [B, D].
 * @see Radford et al. 2021, Learning Transferable Visual Models From Natural Language Supervision, section 2.4, arXiv:2103.00020.
 */
export class ClipTextTower {
  readonly text: ClipText;
  readonly textProjection: Linear | undefined;

  constructor(text: ClipText, textProjection?: Linear) {
    this.text = text;
    this.textProjection = textProjection;
  }

  /** @throws RangeError if a text is longer than maxSeqLen or a token is outside the vocabulary */
  forward(tokens: Tensor, options: StackOptions = {}): TowerOutputs {
    const { states, pooled } = this.text.forward(tokens, options);
    return outputsOf(states, pooled, this.textProjection);
  }
}

/**
 * The image tower of CLIP alone.
 *
 * Shapes: images [B, rows, columns, C] -> states [B, 1 + N, E], pooled [B, E], projected [B, D].
 * @see Radford et al. 2021, Learning Transferable Visual Models From Natural Language Supervision, section 2.4, arXiv:2103.00020.
 */
export class ClipImageTower {
  readonly image: ImageModel;
  readonly imageProjection: Linear | undefined;

  constructor(image: ImageModel, imageProjection?: Linear) {
    this.image = image;
    this.imageProjection = imageProjection;
  }

  get vision(): ImageModel["vision"] {
    return this.image.vision;
  }

  /** The same tower for images of another size: its table of positions is interpolated, everything else shared. */
  resized(size: readonly [number, number]): ClipImageTower {
    return new ClipImageTower(this.image.resized(size), this.imageProjection);
  }

  /** @throws ShapeError for images of another size */
  forward(images: Tensor, options: VisionOptions = {}): TowerOutputs {
    const { states, pooled } = this.image.forward(images, options);
    return outputsOf(states, pooled!, this.imageProjection);
  }
}

const drawOf =
  (rng: Rng | null, factor = 1): Draw =>
  (std) =>
    rng ? normalInit({ std: std * factor, rng }) : zerosInit();

const project = (dModel: number, dOut: number | undefined, draw: Draw): Linear | undefined =>
  dOut === undefined ? undefined : createLinear({ dIn: dModel, dOut, weight: draw(dModel ** -0.5) });

/**
 * The text tower of CLIP alone, as it is taken from there.
 *
 * @param rng draws the weights; null leaves zeros, for weights that are about to be loaded
 * @throws RangeError naming the option that is out of range
 * @see Radford et al. 2021, section 2.4, arXiv:2103.00020.
 * @example
 * const tower = clipTextTower({ dModel: 16, numLayers: 1, numHeads: 2, dFF: 32, vocabSize: 50, maxSeqLen: 8, endToken: 49 }, rng(0));
 */
export function clipTextTower(
  { dProjection, initFactor, ...given }: ClipTextTowerConfig,
  rng: Rng | null,
): ClipTextTower {
  const config = { activation: "quick_gelu", layerNormEpsilon: 1e-5, ...given } as const;
  checkClipText("clipTextTower", config);
  const draw = drawOf(rng, initFactor);
  const text = createClipText(config, { blocks: clipBlockWeights(config, draw), embedding: draw(0.02) });
  return new ClipTextTower(text, project(config.dModel, dProjection, draw));
}

/**
 * The image tower of CLIP alone, as it is taken from there.
 *
 * @param rng draws the weights; null leaves zeros, for weights that are about to be loaded
 * @throws RangeError naming the option that is out of range
 * @see Radford et al. 2021, section 2.4, arXiv:2103.00020.
 * @example
 * const tower = clipImageTower({ dModel: 16, numLayers: 1, numHeads: 2, dFF: 32, imageSize: 8, patchSize: 4 }, rng(0));
 */
export function clipImageTower(
  { dProjection, initFactor, ...given }: ClipImageTowerConfig,
  rng: Rng | null,
): ClipImageTower {
  const config = { activation: "quick_gelu", layerNormEpsilon: 1e-5, ...given } as const;
  checkClipImage("clipImageTower", config);
  const draw = drawOf(rng, initFactor);
  return new ClipImageTower(createClipImages(config, draw), project(config.dModel, dProjection, draw));
}
