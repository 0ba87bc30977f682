import type { Norm } from "@heed/nn";
import type { LearnedGridPositions, PositionEncoding } from "@heed/positions";
import {
  add,
  arange,
  bindShapes,
  broadcast,
  cast,
  concatenate,
  expectDType,
  formatShape,
  multiply,
  type Rng,
  reshape,
  ShapeError,
  subtract,
  type Tensor,
} from "@heed/tensor";
import type { TransformerBlock } from "./block.ts";
import { drop } from "./drop.ts";
import type { ImageEmbedding, PatchEmbedding } from "./patch-embedding.ts";
import { type ForwardObserver, runBlocks } from "./run-blocks.ts";

/** What one call of a {@link VisionTransformer} takes beside its images. */
export interface VisionOptions {
  /** bool [B, N], true where the mask token stands in place of a patch */
  readonly masked?: Tensor | undefined;
  readonly rng?: Rng | undefined;
  /** its last hidden state is the one before the final norm */
  readonly observe?: ForwardObserver | undefined;
}

/** What a {@link VisionTransformer} is made of. */
export interface VisionTransformerParts {
  readonly embedding: ImageEmbedding;
  /** rows, columns and channels of an image */
  readonly imageShape: readonly [number, number, number];
  /** side of a patch in pixels */
  readonly patchSize: number;
  /** in front of the patches, [E] each: class token, distillation token; default none */
  readonly prefix?: readonly Tensor[];
  /** stands in place of hidden patches, [E]; default none */
  readonly maskToken?: Tensor | undefined;
  /** of prefix and patches; default none */
  readonly position?: PositionEncoding | undefined;
  /** of the embeddings; default none */
  readonly embeddingNorm?: Norm | undefined;
  readonly embeddingDropout?: number;
  readonly blocks: readonly TransformerBlock[];
  /** after the last block; default none */
  readonly norm?: Norm | undefined;
}

/**
 * An encoder of images: patches as tokens, with class tokens before them.
 *
 * Shapes: images float [B, rows, columns, C] -> states [B, K + N, E], K class tokens, then N patches in reading order.
 * @see Dosovitskiy et al. 2021, An Image is Worth 16x16 Words, section 3.1 and 3.2 (interpolation), arXiv:2010.11929.
 */
export class VisionTransformer {
  readonly embedding: ImageEmbedding;
  readonly imageShape: readonly [number, number, number];
  readonly patchSize: number;
  readonly prefix: readonly Tensor[];
  readonly maskToken: Tensor | undefined;
  readonly position: PositionEncoding | undefined;
  readonly embeddingNorm: Norm | undefined;
  readonly embeddingDropout: number;
  readonly blocks: readonly TransformerBlock[];
  readonly norm: Norm | undefined;

  constructor(parts: VisionTransformerParts) {
    this.embedding = parts.embedding;
    this.imageShape = parts.imageShape;
    this.patchSize = parts.patchSize;
    this.prefix = parts.prefix ?? [];
    this.maskToken = parts.maskToken;
    this.position = parts.position;
    this.embeddingNorm = parts.embeddingNorm;
    this.embeddingDropout = parts.embeddingDropout ?? 0;
    this.blocks = parts.blocks;
    this.norm = parts.norm;
  }

  /** Rows and columns of patches. */
  get grid(): readonly [number, number] {
    return [this.imageShape[0] / this.patchSize, this.imageShape[1] / this.patchSize];
  }

  /** Patches of an image, N. */
  get numPatches(): number {
    const [rows, columns] = this.grid;
    return rows * columns;
  }

  /**
   * Shapes: images [B, rows, columns, C], or all their patches as `cutPatches` cuts them, [B, N, patchSize patchSize C]
   * -> [B, K + N, E].
   *
   * @throws ShapeError for images of another size or number of channels; TypeError for `masked` without a mask token, for
   *   patches where the model has a convolutional stem, which reads whole images
   */
  forward(images: Tensor, { masked, ...options }: VisionOptions = {}): Tensor {
    const patches = this.embedImages(images);
    return this.encode(
      masked ? this.hide(patches, masked) : patches,
      arange(0, this.numPatches, { backend: images.backend }),
      options,
    );
  }

  /**
   * Some patches of images, cut already: those that a masked autoencoder reads.
   *
   * Shapes: patches [B, M, patchSize patchSize C], places int32 [M] or [B, M] among all N -> [B, K + M, E].
   *
   * @throws TypeError if the model has a convolutional stem, which reads whole images
   */
  forwardPatches(patches: Tensor, places: Tensor, options: Omit<VisionOptions, "masked"> = {}): Tensor {
    expectDType("VisionTransformer", { places }, "int32");
    return this.encode(this.embedPatches(patches), places, options);
  }

  private embedImages(images: Tensor): Tensor {
    const { imageShape, patchSize, numPatches } = this;
    const isCut = images.shape.length === 3;
    const expected = isCut ? [numPatches, patchSize * patchSize * imageShape[2]] : imageShape;
    if (images.shape.length < 3 || images.shape.slice(1).join() !== expected.join())
      throw new ShapeError(
        `VisionTransformer: images has shape ${formatShape(images.shape)}, expected [B, ${expected.join(", ")}] (from images of ${imageShape.slice(0, 2).join(" x ")} pixels, ${imageShape[2]} channels and patchSize=${patchSize}). Resize them, or the model with resized()`,
      );
    return isCut ? this.embedPatches(images) : this.embedding.forward(images);
  }

  private embedPatches(patches: Tensor): Tensor {
    const { embedding } = this;
    if (!("embed" in embedding))
      throw new TypeError(
        "VisionTransformer: embedding has no embed, expected one of patches, got a stem that reads whole images",
      );
    return (embedding as PatchEmbedding).embed(patches);
  }

  /**
   * The same model for images of another size: its table of positions is interpolated, everything else shared.
   *
   * @throws RangeError for a size that patches do not divide; TypeError where positions are no table
   */
  resized([rows, columns]: readonly [number, number]): VisionTransformer {
    const { position, patchSize, imageShape } = this;
    if (rows % patchSize !== 0 || columns % patchSize !== 0)
      throw new RangeError(
        `VisionTransformer: size is wrong, expected multiples of ${patchSize} (patchSize), got ${rows} x ${columns}`,
      );
    if (position && !("resize" in position))
      throw new TypeError("VisionTransformer: position has no resize, expected learned positions of a grid");
    const resized = (position as LearnedGridPositions | undefined)?.resize([rows / patchSize, columns / patchSize]);
    return new VisionTransformer({ ...this, imageShape: [rows, columns, imageShape[2]], position: resized });
  }

  /** Patches [B, M, E] at places among all, behind the prefix. */
  private encode(patches: Tensor, places: Tensor, { rng, observe }: Omit<VisionOptions, "masked">): Tensor {
    const K = this.prefix.length;
    const [B, , E] = patches.shape as [number, number, number];
    const placed = this.place(patches, add(places, K));
    const before = this.prefix.map((token, i) =>
      this.place(broadcast(reshape(token, [1, 1, E]), [B, 1, E]), arange(i, i + 1, { backend: patches.backend })),
    );
    const all = K === 0 ? placed : concatenate([...before, placed], { axis: 1 });
    const normalized = this.embeddingNorm ? this.embeddingNorm.forward(all) : all;
    const x = drop(normalized, this.embeddingDropout, rng);
    const y = runBlocks({ blocks: this.blocks }, x, { rng, observe });
    return this.norm ? this.norm.forward(y) : y;
  }

  private place(x: Tensor, positions: Tensor): Tensor {
    return this.position?.embed ? this.position.embed(x, positions) : x;
  }

  /** The mask token in place of hidden patches. */
  private hide(patches: Tensor, masked: Tensor): Tensor {
    if (!this.maskToken)
      throw new TypeError("VisionTransformer: masked is given, expected none: the model has no mask token");
    const { B, N } = bindShapes("VisionTransformer", { patches: [patches, "B N E"], masked: [masked, "B N"] });
    expectDType("VisionTransformer", { masked }, "bool");
    const hidden = cast(reshape(masked, [B, N, 1]), patches.dtype as "float32");
    return add(multiply(patches, subtract(1, hidden)), multiply(this.maskToken, hidden));
  }
}
