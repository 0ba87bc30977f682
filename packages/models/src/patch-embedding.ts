import type { Initializer } from "@heed/nn";
import { add, bindShapes, formatShape, linear, permute, reshape, ShapeError, type Tensor } from "@heed/tensor";

/** What turns images into vectors of their patches. */
export interface ImageEmbedding {
  /** pixels [B, rows, columns, C] -> [B, N, E], patches in reading order */
  forward(images: Tensor): Tensor;
}

/**
 * Images cut into square patches, in reading order.
 *
 * Shapes: images [B, rows, columns, C] -> [B, N, patchSize patchSize C]: rows of a patch one after the other, channels last.
 *
 * @throws ShapeError if patches do not divide the images
 * @see Dosovitskiy et al. 2021, An Image is Worth 16x16 Words, section 3.1, arXiv:2010.11929. As `imageToPatches` of `@heed/data`.
 */
export function cutPatches(images: Tensor, patchSize: number): Tensor {
  const { B, rows, columns, C } = bindShapes("cutPatches", { images: [images, "B rows columns C"] });
  if (rows % patchSize !== 0 || columns % patchSize !== 0)
    throw new ShapeError(
      `cutPatches: images has shape ${formatShape(images.shape)}, expected rows and columns that are multiples of ${patchSize} (patchSize). Crop or resize them`,
    );
  const [down, across] = [rows / patchSize, columns / patchSize];
  const cut = permute(reshape(images, [B, down, patchSize, across, patchSize, C]), [0, 1, 3, 2, 4, 5]);
  return reshape(cut, [B, down * across, patchSize * patchSize * C]);
}

/**
 * One linear map of each patch: a convolution whose windows do not overlap.
 *
 * Shapes: weight [E, C, patchSize, patchSize] as PyTorch stores it, bias [E] or none; patches [B, N, patchSize patchSize C] -> [B, N, E].
 * @see Dosovitskiy et al. 2021, An Image is Worth 16x16 Words, section 3.1, arXiv:2010.11929.
 */
export class PatchEmbedding implements ImageEmbedding {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;

  /** @throws ShapeError if weight is not [E, C, P, P] or bias not [E] */
  constructor(weight: Tensor, bias?: Tensor) {
    bindShapes("PatchEmbedding", {
      weight: [weight, "E C P P"],
      ...(bias && { bias: [bias, "E"] as const }),
    });
    this.weight = weight;
    this.bias = bias;
  }

  get patchSize(): number {
    return this.weight.shape[2]!;
  }

  forward(images: Tensor): Tensor {
    return this.embed(cutPatches(images, this.patchSize));
  }

  /**
   * Patches that are cut already, any of them. Shapes: [B, N, patchSize patchSize C] -> [B, N, E].
   *
   * @throws ShapeError if patches have another number of values
   */
  embed(patches: Tensor): Tensor {
    const { B, N, values } = bindShapes("PatchEmbedding", { patches: [patches, "B N values"] });
    const [E, C, P] = this.weight.shape as [number, number, number, number];
    if (values !== P * P * C)
      throw new ShapeError(
        `PatchEmbedding: patches has shape ${formatShape(patches.shape)}, expected [B, N, ${P * P * C}] (from weight ${formatShape(this.weight.shape)}: patches of ${P} x ${P} pixels with ${C} channels)`,
      );
    const channelsFirst = permute(reshape(patches, [B, N, P * P, C]), [0, 1, 3, 2]);
    const y = linear(reshape(channelsFirst, [B, N, values]), reshape(this.weight, [E, values]));
    return this.bias ? add(y, this.bias) : y;
  }
}

/** A patch embedding with new weights. */
export function createPatchEmbedding({
  patchSize,
  numChannels,
  dModel,
  weight,
  bias,
}: {
  readonly patchSize: number;
  readonly numChannels: number;
  readonly dModel: number;
  readonly weight: Initializer;
  readonly bias?: Initializer | undefined;
}): PatchEmbedding {
  return new PatchEmbedding(weight([dModel, numChannels, patchSize, patchSize]), bias?.([dModel]));
}
