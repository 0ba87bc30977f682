import { MultiHeadAttention, SeparateProjection, softmaxAttention } from "@heed/attention";
import { createFeedForward, createLayerNorm, createLinear, type Initializer, normalInit, zerosInit } from "@heed/nn";
import { LearnedGridPositions, sinusoidal2d } from "@heed/positions";
import { arange, type Rng, scope } from "@heed/tensor";
import { type ActivationName, activationNames, activations } from "./activations.ts";
import { Block } from "./block.ts";
import { checkConfig, checkHeads } from "./check-config.ts";
import { createConvolutionalStem } from "./convolutional-stem.ts";
import { ImageModel } from "./image-model.ts";
import { createPatchEmbedding, type ImageEmbedding } from "./patch-embedding.ts";
import { createStatesHead, type HeadConfig } from "./states-head.ts";
import { VisionTransformer } from "./vision-transformer.ts";

/** Sizes of the layers of a vision transformer. */
export interface VisionLayers {
  readonly dModel: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly dFF: number;
  /** default gelu */
  readonly activation?: ActivationName;
  /** biases of queries, keys and values; default true */
  readonly qkvBias?: boolean;
  /** default 1e-12 */
  readonly layerNormEpsilon?: number;
  /** of embeddings and branches; default 0 */
  readonly dropout?: number;
  /** of attention probabilities; default 0 */
  readonly attentionDropout?: number;
}

/** What a vision transformer is. Widths in values, sizes of images in pixels; rates are probabilities in [0, 1). */
export interface VitConfig extends VisionLayers {
  /** rows and columns, where they are equal one number */
  readonly imageSize: number | readonly [number, number];
  readonly patchSize: number;
  /** default 3 */
  readonly numChannels?: number;
  /** patches mapped at once, or small convolutions; default patches */
  readonly stem?: "patches" | "convolutions";
  /** share of the embeddings set to 0; default dropout */
  readonly embeddingDropout?: number;
  /** a table, one of sines and cosines of column and row that is not trained, or nothing; default learned */
  readonly positions?: "learned" | "sinusoidal" | "none";
  /** tokens before the patches: a class token and perhaps one for distillation (DeiT); default class */
  readonly prefix?: "none" | "class" | "class and distillation";
  /** a token that stands for hidden patches (SimMIM); default false */
  readonly maskToken?: boolean;
  /** what reads the states, by name; default none */
  readonly heads?: Readonly<Record<string, HeadConfig>>;
  /** standard deviation of the first weights; default 0.02 */
  readonly initStd?: number;
}

/** Rules of {@link VisionLayers}, for `checkConfig`. */
const layerRules = {
  counts: ["dModel", "numLayers", "numHeads", "dFF"],
  rates: ["dropout", "attentionDropout"],
  sizes: ["layerNormEpsilon"],
  flags: ["qkvBias"],
};

/** @throws RangeError naming the option that is out of range */
export function checkVisionLayers(where: string, layers: VisionLayers): void {
  checkConfig(where, layers, { ...layerRules, choices: { activation: activationNames } });
  checkHeads(where, layers);
}

/** Rows and columns of an image. */
export const sidesOf = (size: VitConfig["imageSize"]): readonly [number, number] =>
  typeof size === "number" ? [size, size] : size;

function check({ imageSize, heads: _, ...config }: VitConfig): void {
  checkConfig("vit", config, {
    counts: [...layerRules.counts, "patchSize"],
    optionalCounts: ["numChannels"],
    rates: [...layerRules.rates, "embeddingDropout"],
    sizes: [...layerRules.sizes, "initStd"],
    flags: [...layerRules.flags, "maskToken"],
    choices: {
      activation: activationNames,
      stem: ["patches", "convolutions"],
      positions: ["learned", "sinusoidal", "none"],
      prefix: ["none", "class", "class and distillation"],
    },
  });
  checkHeads("vit", config);
  checkImageSize("vit", imageSize, config.patchSize);
}

/** @throws RangeError for images that patches do not divide */
export function checkImageSize(where: string, imageSize: VitConfig["imageSize"], patchSize: number): void {
  for (const side of sidesOf(imageSize))
    if (!Number.isSafeInteger(side) || side < 1 || side % patchSize !== 0)
      throw new RangeError(
        `${where}: imageSize is wrong, expected multiples of patchSize=${patchSize}, got ${String(imageSize)}`,
      );
}

/** First values of the linear layers of a block, by what they do. */
export interface BlockWeights {
  /** queries, keys and values */
  readonly projection: Initializer;
  readonly output: Initializer;
  readonly expand: Initializer;
  readonly contract: Initializer;
}

/** Blocks of a vision transformer: norms before each branch. */
export function visionBlocks(layers: VisionLayers, weights: Initializer | BlockWeights): Block[] {
  const { projection, output, expand, contract } =
    typeof weights === "function"
      ? { projection: weights, output: weights, expand: weights, contract: weights }
      : weights;
  const { dModel, numLayers, numHeads, dFF, activation = "gelu", qkvBias = true, dropout = 0 } = layers;
  const norm = () => createLayerNorm({ dModel, epsilon: layers.layerNormEpsilon ?? 1e-12 });
  const bias = zerosInit();
  const project = () =>
    createLinear({ dIn: dModel, dOut: dModel, weight: projection, bias: qkvBias ? bias : undefined });
  return Array.from(
    { length: numLayers },
    () =>
      new Block({
        norm1: norm(),
        attention: new MultiHeadAttention({
          projection: new SeparateProjection({ query: project(), key: project(), value: project(), numHeads }),
          output: createLinear({ dIn: dModel, dOut: dModel, weight: output, bias }),
          attention: softmaxAttention({ dropout: layers.attentionDropout ?? 0 }),
        }),
        norm2: norm(),
        feedForward: createFeedForward({
          dModel,
          dFF,
          activation: activations[activation],
          weight: expand,
          contractWeight: contract,
          bias,
        }),
        residualDropout: dropout,
      }),
  );
}

function embeddingOf(config: VitConfig, weight: Initializer): ImageEmbedding {
  const { patchSize, numChannels = 3, dModel } = config;
  const sizes = { patchSize, numChannels, dModel, weight };
  return config.stem === "convolutions"
    ? createConvolutionalStem(sizes)
    : createPatchEmbedding({ ...sizes, bias: zerosInit() });
}

const numPrefixOf = { none: 0, class: 1, "class and distillation": 2 } as const;

function positionOf(config: VitConfig, weight: Initializer): LearnedGridPositions | undefined {
  const { patchSize, dModel, positions = "learned", prefix = "class" } = config;
  const [rows, columns] = sidesOf(config.imageSize);
  const grid = [rows / patchSize, columns / patchSize] as const;
  const numPrefix = numPrefixOf[prefix];
  if (positions === "none") return undefined;
  if (positions === "sinusoidal") return wavePositions({ grid, numPrefix, dModel });
  return new LearnedGridPositions(weight([numPrefix + grid[0] * grid[1], dModel]), { grid, numPrefix });
}

/** A table of sines and cosines of column and row, as files keep it; not trained. */
export function wavePositions({
  grid,
  numPrefix,
  dModel,
}: {
  readonly grid: readonly [number, number];
  readonly numPrefix: number;
  readonly dModel: number;
}): LearnedGridPositions {
  const waves = sinusoidal2d({ grid, numPrefix });
  const table = scope(() => waves.vectors!(arange(0, numPrefix + grid[0] * grid[1]), { dModel }));
  return new LearnedGridPositions(table, { grid, numPrefix, trainable: false });
}

/**
 * The encoder of {@link vit} without heads.
 *
 * @throws RangeError naming the option that is out of range
 */
export function visionTransformer(config: VitConfig, rng: Rng | null): VisionTransformer {
  check(config);
  const { patchSize, numChannels = 3, dModel, prefix = "class", maskToken = false, initStd = 0.02 } = config;
  const weight = rng ? normalInit({ std: initStd, rng }) : zerosInit();
  return new VisionTransformer({
    embedding: embeddingOf(config, weight),
    imageShape: [...sidesOf(config.imageSize), numChannels] as const,
    patchSize,
    prefix: Array.from({ length: numPrefixOf[prefix] }, () => weight([dModel])),
    maskToken: maskToken ? zerosInit()([dModel]) : undefined,
    position: positionOf(config, weight),
    embeddingDropout: config.embeddingDropout ?? config.dropout ?? 0,
    blocks: visionBlocks(config, weight),
    norm: createLayerNorm({ dModel, epsilon: config.layerNormEpsilon ?? 1e-12 }),
  });
}

/**
 * ViT: an image as a sequence of patches, with heads. DeiT has a token more, SimMIM a mask token and a head of pixels.
 *
 * First weights are normal with `initStd`; biases are 0, gains 1, the mask token 0.
 *
 * Shapes: forward images [B, rows, columns, C] -> states [B, K + N, E] and what each head gives under its name.
 *
 * @param rng draws the weights; null leaves zeros, for weights that are about to be loaded
 * @throws RangeError naming the option that is out of range
 * @see Dosovitskiy et al. 2021, An Image is Worth 16x16 Words, section 3.1, arXiv:2010.11929; Touvron et al. 2021, Training
 *   Data-Efficient Image Transformers, section 4 (DeiT), arXiv:2012.12877; Xie et al. 2022, SimMIM, section 3, arXiv:2111.09886.
 * @example
 * const sizes = { dModel: 16, numLayers: 1, numHeads: 2, dFF: 32 };
 * const digits = vit({ ...sizes, imageSize: 8, patchSize: 2, numChannels: 1, heads: { classes: { tokens: "first", out: 10 } } }, rng(0));
 */
export function vit(config: VitConfig, rng: Rng | null): ImageModel {
  const vision = visionTransformer(config, rng);
  const { dModel, heads = {}, initStd = 0.02, layerNormEpsilon = 1e-12 } = config;
  const weight = rng ? normalInit({ std: initStd, rng }) : zerosInit();
  const vocabulary = (): never => {
    throw new RangeError('vit: heads has an out of "vocabulary", expected a width: images have no vocabulary');
  };
  const made = Object.entries(heads).map(([name, head]) => [
    name,
    createStatesHead(head, { dModel, weight, layerNormEpsilon, vocabulary }),
  ]);
  return new ImageModel({ vision, heads: Object.fromEntries(made) });
}

const sizes = { imageSize: 224, patchSize: 16, numChannels: 3 };

const twoHeads = {
  prefix: "class and distillation",
  heads: { classes: { tokens: "first", out: 1000 }, distilled: { tokens: "second", out: 1000 } },
} as const;

/**
 * Published sizes. Parameters of the backbone, without pooler and head: vit-base-16 85,798,656, vit-large-16 303,301,632; with
 * both classifiers of 1,000 labels: deit-tiny-16 5,910,800, deit-small-16 22,436,432, deit-base-16 87,338,192.
 *
 * @see Dosovitskiy et al. 2021, table 1, arXiv:2010.11929; Touvron et al. 2021, table 1, arXiv:2012.12877.
 */
export const vitPresets = {
  "vit-base-16": { ...sizes, dModel: 768, numLayers: 12, numHeads: 12, dFF: 3072 },
  "vit-large-16": { ...sizes, dModel: 1024, numLayers: 24, numHeads: 16, dFF: 4096 },
  "deit-tiny-16": { ...sizes, ...twoHeads, dModel: 192, numLayers: 12, numHeads: 3, dFF: 768 },
  "deit-small-16": { ...sizes, ...twoHeads, dModel: 384, numLayers: 12, numHeads: 6, dFF: 1536 },
  "deit-base-16": { ...sizes, ...twoHeads, dModel: 768, numLayers: 12, numHeads: 12, dFF: 3072 },
} as const satisfies Readonly<Record<string, VitConfig>>;

/** Name of a preset. */
export type VitPresetName = keyof typeof vitPresets;
