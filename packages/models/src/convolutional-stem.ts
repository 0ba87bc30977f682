import { type Convolution, createConvolution, createLayerNorm, type Initializer, type Norm, zerosInit } from "@heed/nn";
import { relu, reshape, type Tensor } from "@heed/tensor";
import type { ImageEmbedding } from "./patch-embedding.ts";

/**
 * Small convolutions in place of the cut into patches: each halves rows and columns, a last one of a single pixel gives the width.
 *
 * Shapes: images [B, rows, columns, C] -> [B, N, E].
 * @see Xiao et al. 2021, Early Convolutions Help Transformers See Better, section 3, arXiv:2106.14881. Differs: layer norms over
 *   channels instead of batch norms, so that images of a batch do not see each other.
 */
export class ConvolutionalStem implements ImageEmbedding {
  readonly convolutions: readonly Convolution[];
  readonly norms: readonly Norm[];
  readonly last: Convolution;

  constructor(convolutions: readonly Convolution[], norms: readonly Norm[], last: Convolution) {
    this.convolutions = convolutions;
    this.norms = norms;
    this.last = last;
  }

  forward(images: Tensor): Tensor {
    const features = this.convolutions.reduce(
      (x, convolution, i) => relu(this.norms[i]!.forward(convolution.forward(x))),
      images,
    );
    const y = this.last.forward(features);
    const [B, rows, columns, E] = y.shape as [number, number, number, number];
    return reshape(y, [B, rows * columns, E]);
  }
}

/**
 * A stem with new weights, whose vectors stand for squares of `patchSize` pixels.
 *
 * @throws RangeError if patchSize is not a power of two, from 2
 * @example
 * const stem = createConvolutionalStem({ patchSize: 4, numChannels: 3, dModel: 16, weight: zerosInit() });
 */
export function createConvolutionalStem({
  patchSize,
  numChannels,
  dModel,
  weight,
}: {
  readonly patchSize: number;
  readonly numChannels: number;
  readonly dModel: number;
  readonly weight: Initializer;
}): ConvolutionalStem {
  const stages = Math.log2(patchSize);
  if (!Number.isInteger(stages) || stages < 1)
    throw new RangeError(
      `createConvolutionalStem: patchSize is out of range, expected a power of two from 2, got ${patchSize}. Each convolution halves the image`,
    );
  const widths = Array.from({ length: stages }, (_, i) => Math.max(1, Math.round(dModel / 2 ** (stages - 1 - i))));
  const convolutions = widths.map((dOut, i) =>
    createConvolution({ dIn: widths[i - 1] ?? numChannels, dOut, size: [3, 3], stride: 2, padding: 1, weight }),
  );
  return new ConvolutionalStem(
    convolutions,
    widths.map((width) => createLayerNorm({ dModel: width })),
    createConvolution({ dIn: widths.at(-1)!, dOut: dModel, size: [1, 1], weight, bias: zerosInit() }),
  );
}
