import type { Tensor } from "@heed/tensor";
import { type EncoderHead, readHeads } from "./states-head.ts";
import type { VisionOptions, VisionTransformer } from "./vision-transformer.ts";

/** What an {@link ImageModel} gives: the states [B, K + N, E], and what each head made of them. */
export type ImageOutputs = { readonly states: Tensor } & Readonly<Record<string, Tensor>>;

/** Whether a model is an {@link ImageModel}, also one of another installed copy of this package. */
export function isImageModel(model: object): model is ImageModel {
  return "vision" in model && "heads" in model && "forward" in model;
}

/**
 * An encoder of images with heads that read its states: a classifier, BERT's kind of pooler, pixels to rebuild.
 *
 * Shapes: images [B, rows, columns, C], or patches as {@link VisionTransformer} takes them -> states [B, K + N, E] and what the heads give.
 * @see Dosovitskiy et al. 2021, An Image is Worth 16x16 Words, section 3.1, arXiv:2010.11929.
 */
export class ImageModel {
  readonly vision: VisionTransformer;
  readonly heads: Readonly<Record<string, EncoderHead>>;

  constructor({
    vision,
    heads,
  }: { readonly vision: VisionTransformer; readonly heads: Readonly<Record<string, EncoderHead>> }) {
    this.vision = vision;
    this.heads = heads;
  }

  /** The same model for images of another size: its table of positions is interpolated, everything else shared. */
  resized(size: readonly [number, number]): ImageModel {
    return new ImageModel({ vision: this.vision.resized(size), heads: this.heads });
  }

  /** @throws ShapeError for images of another size or number of channels */
  forward(images: Tensor, options: VisionOptions = {}): ImageOutputs {
    const states = this.vision.forward(images, options);
    return { states, ...readHeads(this.heads, states, { rng: options.rng }) } as ImageOutputs;
  }
}
