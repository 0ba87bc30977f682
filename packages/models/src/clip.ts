import { createLayerNorm, createLinear, type Initializer, type Linear, normalInit, zerosInit } from "@heed/nn";
import { LearnedGridPositions } from "@heed/positions";
import { full, type Rng, type Tensor } from "@heed/tensor";
import { activationNames } from "./activations.ts";
import { checkConfig, checkHeads } from "./check-config.ts";
import { type ClipText, type ClipTextConfig, createClipText } from "./clip-text.ts";
import { ImageModel } from "./image-model.ts";
import { createPatchEmbedding } from "./patch-embedding.ts";
import { StatesHead } from "./states-head.ts";
import { VisionTransformer } from "./vision-transformer.ts";
import { type BlockWeights, checkImageSize, sidesOf, type VisionLayers, type VitConfig, visionBlocks } from "./vit.ts";

/** What the image tower of CLIP is. */
export type ClipImageConfig = Omit<VisionLayers, "qkvBias" | "dropout"> &
  Pick<VitConfig, "imageSize" | "patchSize" | "numChannels" | "initStd">;

/** What a CLIP is. Widths in values, sizes of images in pixels. */
export interface ClipConfig {
  readonly text: ClipTextConfig;
  readonly image: ClipImageConfig;
  /** of the space that both towers are projected to */
  readonly dProjection: number;
  /** first logarithm of what cosines are multiplied by; default ln(1 / 0.07), rounded as the original's 2.6592 */
  readonly logScale?: number;
  /** multiplies the spread of all first weights; default 1 */
  readonly initFactor?: number;
}

/** Images and texts. */
export interface ImagesAndTexts {
  /** float [B, rows, columns, C], or patches */
  readonly images: Tensor;
  /** int32 [B', T] */
  readonly tokens: Tensor;
}

/** What {@link Clip} takes beside its input. */
export interface ClipOptions {
  /** bool [B', T], true = a real token */
  readonly padding?: Tensor | undefined;
  /** int32 [T] or [B', T]; default 0, 1, ... */
  readonly positions?: Tensor | undefined;
  /** source of dropout; without it there is none */
  readonly rng?: Rng | undefined;
}

/** What both towers say, of any length; what `imageTextContrast` of `@heed/objectives` takes. */
export interface ClipOutputs {
  /** [B, D] */
  readonly image: Tensor;
  /** [B', D] */
  readonly text: Tensor;
  /** logarithm of what cosines are multiplied by, [] */
  readonly logScale: Tensor;
}

/** Whether a model is a {@link Clip}, also one of another installed copy of this package. */
export function isClip(model: object): model is Clip {
  return "textProjection" in model && "imageProjection" in model && "forward" in model;
}

/**
 * An image tower and a text tower that meet in one space.
 *
 * Shapes: images [B, rows, columns, C], tokens int32 [B', T] -> image [B, D], text [B', D], logScale [].
 * @see Radford et al. 2021, Learning Transferable Visual Models From Natural Language Supervision, figure 3, arXiv:2103.00020.
 */
export class Clip {
  readonly text: ClipText;
  /** its head `pooled` is the norm of the class token */
  readonly image: ImageModel;
  readonly textProjection: Linear;
  readonly imageProjection: Linear;
  readonly logScale: Tensor;

  constructor(parts: Pick<Clip, "text" | "image" | "textProjection" | "imageProjection" | "logScale">) {
    this.text = parts.text;
    this.image = parts.image;
    this.textProjection = parts.textProjection;
    this.imageProjection = parts.imageProjection;
    this.logScale = parts.logScale;
  }

  get vision(): VisionTransformer {
    return this.image.vision;
  }

  /** The same model for images of another size: its table of positions is interpolated, everything else shared. */
  resized(size: readonly [number, number]): Clip {
    return new Clip({ ...this, image: this.image.resized(size) });
  }

  /** @throws ShapeError for images of another size; RangeError for texts that are too long or tokens out of range */
  forward({ images, tokens }: ImagesAndTexts, options: ClipOptions = {}): ClipOutputs {
    return {
      image: this.embedImages(images, options),
      text: this.embedTexts(tokens, options),
      logScale: this.logScale,
    };
  }

  /** Shapes: images [B, rows, columns, C] -> [B, D]. */
  embedImages(images: Tensor, { rng }: Pick<ClipOptions, "rng"> = {}): Tensor {
    return this.imageProjection.forward(this.image.forward(images, { rng })["pooled"]!);
  }

  /** Shapes: tokens int32 [B, T] -> [B, D]. */
  embedTexts(tokens: Tensor, options: ClipOptions = {}): Tensor {
    return this.textProjection.forward(this.text.forward(tokens, options).pooled);
  }
}

const layers = ["dModel", "numLayers", "numHeads", "dFF"];
const rules = {
  rates: ["attentionDropout"],
  sizes: ["layerNormEpsilon"],
  choices: { activation: activationNames },
};

/** @throws RangeError naming the option of a text tower that is out of range */
export function checkClipText(where: string, { endToken, ...sizes }: ClipTextConfig): void {
  checkConfig(where, sizes, { ...rules, counts: [...layers, "vocabSize", "maxSeqLen"] });
  checkHeads(where, sizes);
  if (endToken !== "highest" && !(Number.isSafeInteger(endToken) && endToken >= 0 && endToken < sizes.vocabSize))
    throw new RangeError(
      `${where}: endToken is out of range, expected an id in 0..${sizes.vocabSize - 1} or "highest", got ${endToken}`,
    );
}

/** @throws RangeError naming the option of an image tower that is out of range */
export function checkClipImage(where: string, { imageSize, ...sizes }: ClipImageConfig): void {
  checkConfig(where, sizes, {
    ...rules,
    counts: [...layers, "patchSize"],
    optionalCounts: ["numChannels"],
    sizes: ["layerNormEpsilon", "initStd"],
  });
  checkHeads(where, sizes);
  checkImageSize(where, imageSize, sizes.patchSize);
}

function check({ text, image, ...config }: ClipConfig): void {
  checkConfig("clip", config, { counts: ["dProjection"], sizes: ["logScale", "initFactor"] });
  checkClipText("clip: text", text);
  checkClipImage("clip: image", image);
}

/** Normal draws of any spread, or zeros. */
export type Draw = (std: number) => Initializer;

/** Spreads of the published code: smaller where a layer ends a branch or begins attention, by the number of layers. */
export function clipBlockWeights(
  { dModel, numLayers }: Pick<VisionLayers, "dModel" | "numLayers">,
  draw: Draw,
): BlockWeights {
  const narrow = draw(dModel ** -0.5 * (2 * numLayers) ** -0.5);
  return {
    projection: narrow,
    output: draw(dModel ** -0.5),
    expand: draw((2 * dModel) ** -0.5),
    contract: narrow,
  };
}

/** The image tower with new weights; its head `pooled` is the norm of the class token. */
export function createClipImages(config: ClipImageConfig, draw: Draw): ImageModel {
  const { patchSize, numChannels = 3, dModel, initStd = 0.02, layerNormEpsilon: epsilon = 1e-5 } = config;
  const [rows, columns] = sidesOf(config.imageSize);
  const grid = [rows / patchSize, columns / patchSize] as const;
  const weight = draw(initStd);
  const norm = () => createLayerNorm({ dModel, epsilon });
  const vision = new VisionTransformer({
    embedding: createPatchEmbedding({ patchSize, numChannels, dModel, weight }),
    imageShape: [rows, columns, numChannels],
    patchSize,
    prefix: [draw(dModel ** -0.5)([dModel])],
    position: new LearnedGridPositions(weight([1 + grid[0] * grid[1], dModel]), { grid, numPrefix: 1 }),
    embeddingNorm: norm(),
    blocks: visionBlocks(config, clipBlockWeights(config, draw)),
  });
  return new ImageModel({ vision, heads: { pooled: new StatesHead({ tokens: "first", norm: norm() }) } });
}

/**
 * CLIP: images and texts in one space, by contrast of what belongs together with what does not.
 *
 * First weights are normal with the spreads of the published code, times `initFactor`; biases are 0 and gains 1.
 *
 * Shapes: forward images [B, rows, columns, C], tokens int32 [B, T] -> image [B, D], text [B, D], logScale [].
 *
 * @param rng draws the weights; null leaves zeros, for weights that are about to be loaded
 * @throws RangeError naming the option that is out of range
 * @see Radford et al. 2021, Learning Transferable Visual Models From Natural Language Supervision, section 2, arXiv:2103.00020.
 * @example
 * const sizes = { dModel: 16, numLayers: 1, numHeads: 2, dFF: 32 };
 * const text = { ...sizes, vocabSize: 50, maxSeqLen: 8, endToken: 49 };
 * const model = clip({ text, image: { ...sizes, imageSize: 8, patchSize: 4 }, dProjection: 12 }, rng(0));
 */
export function clip(config: ClipConfig, rng: Rng | null): Clip {
  check(config);
  const { dProjection, logScale = 2.6592, initFactor = 1 } = config;
  const activation = "quick_gelu";
  const [text, image] = [
    { activation, layerNormEpsilon: 1e-5, ...config.text },
    { activation, layerNormEpsilon: 1e-5, ...config.image },
  ] as const;
  const draw: Draw = (std) => (rng ? normalInit({ std: std * initFactor, rng }) : zerosInit());
  const project = ({ dModel }: { readonly dModel: number }) =>
    createLinear({ dIn: dModel, dOut: dProjection, weight: draw(dModel ** -0.5) });
  return new Clip({
    text: createClipText(text, { blocks: clipBlockWeights(text, draw), embedding: draw(0.02) }),
    image: createClipImages(image, draw),
    textProjection: project(text),
    imageProjection: project(image),
    logScale: full([], logScale),
  });
}

const textSizes = { vocabSize: 49408, maxSeqLen: 77, dModel: 512, numLayers: 12, numHeads: 8, dFF: 2048 };
const imageSizes = { imageSize: 224, numChannels: 3, dModel: 768, numLayers: 12, numHeads: 12, dFF: 3072 };

/**
 * Published sizes. Parameters: clip-base-32 151,277,313, clip-base-16 149,620,737.
 *
 * @see Radford et al. 2021, table 20, arXiv:2103.00020.
 */
export const clipPresets = {
  "clip-base-32": {
    text: { ...textSizes, endToken: 49407 },
    image: { ...imageSizes, patchSize: 32 },
    dProjection: 512,
  },
  "clip-base-16": {
    text: { ...textSizes, endToken: 49407 },
    image: { ...imageSizes, patchSize: 16 },
    dProjection: 512,
  },
} as const satisfies Readonly<Record<string, ClipConfig>>;

/** Name of a preset. */
export type ClipPresetName = keyof typeof clipPresets;
