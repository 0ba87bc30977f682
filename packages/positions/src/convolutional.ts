import {
  add,
  bindShapes,
  formatShape,
  multiply,
  pad,
  permute,
  ShapeError,
  sum,
  type Tensor,
  unfold,
} from "@heed/tensor";
import type { PositionEncoding } from "./position-encoding.ts";

/**
 * Positions from neighbours: a convolution over the sequence, one kernel for each channel, added to the embeddings.
 *
 * Zeros stand beyond the ends, which is how places near them are told apart; positions passed in are not read, so rows
 * are taken to be consecutive, and stepwise decoding cannot use it.
 *
 * Shapes: weight [E, K] with K odd, bias [E] or none; x [B, T, E] -> [B, T, E].
 * @see Chu et al. 2021, Conditional Positional Encodings for Vision Transformers, section 3.2, arXiv:2102.10882, in one
 *   dimension; Baevski et al. 2020, wav2vec 2.0, section 2, arXiv:2006.11477, with groups of one channel.
 */
export class ConvolutionalPositions implements PositionEncoding {
  readonly weight: Tensor;
  readonly kernelBias: Tensor | undefined;

  /** @throws ShapeError if weight is not [E, K] with an odd K, or bias not [E] */
  constructor(weight: Tensor, bias?: Tensor) {
    bindShapes(
      "ConvolutionalPositions",
      bias ? { weight: [weight, "E K"], bias: [bias, "E"] } : { weight: [weight, "E K"] },
    );
    if (weight.shape[1]! % 2 === 0)
      throw new ShapeError(
        `ConvolutionalPositions: weight has K=${weight.shape[1]} in shape ${formatShape(weight.shape)}, expected an odd number: a center and as many neighbours on both sides`,
      );
    this.weight = weight;
    this.kernelBias = bias;
  }

  /** Shapes: x [B, T, E] -> [B, T, E]. */
  embed(x: Tensor): Tensor {
    bindShapes("ConvolutionalPositions", { x: [x, "B T E"], weight: [this.weight, "E K"] });
    const K = this.weight.shape[1]!;
    const side = [0, (K - 1) / 2, 0];
    const windows_BTKE = unfold(pad(x, side, side), { axis: 1, size: K });
    const mixed = sum(multiply(windows_BTKE, permute(this.weight, [1, 0])), { axes: 2 });
    return add(x, this.kernelBias ? add(mixed, this.kernelBias) : mixed);
  }
}

/**
 * Convolutional positions with a new kernel.
 *
 * @param options.kernelSize positions, odd
 * @param options.weight makes the first values
 * @example
 * const position = convolutional({ dModel: 8, kernelSize: 3, weight: (shape) => normal(shape, { rng: rng(0), std: 0.1 }) });
 */
export function convolutional({
  dModel,
  kernelSize,
  weight,
}: {
  readonly dModel: number;
  readonly kernelSize: number;
  readonly weight: (shape: readonly number[]) => Tensor;
}): ConvolutionalPositions {
  return new ConvolutionalPositions(weight([dModel, kernelSize]));
}
