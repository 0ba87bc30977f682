import { add, bindShapes, formatShape, layerNorm, multiply, reshape, ShapeError, type Tensor } from "@heed/tensor";
import { checkEpsilon } from "./layer-norm.ts";

/**
 * Normalization over groups of channels and all places: each group of a row gets mean 0 and variance 1, then each channel
 * a gain and a bias.
 *
 * Shapes: gain [C], bias [C]; x [B, C, ...places] -> the same.
 * @see Wu and He 2018, Group Normalization, arXiv:1803.08494.
 */
export class GroupNorm {
  readonly gain: Tensor;
  readonly bias: Tensor;
  readonly numGroups: number;
  readonly epsilon: number;

  /** @throws ShapeError if gain or bias is not [C]; RangeError if numGroups does not divide C, or epsilon is negative */
  constructor(
    gain: Tensor,
    bias: Tensor,
    { numGroups, epsilon = 1e-5 }: { readonly numGroups: number; readonly epsilon?: number },
  ) {
    const { C } = bindShapes("GroupNorm", { gain: [gain, "C"], bias: [bias, "C"] });
    if (!(Number.isSafeInteger(numGroups) && numGroups >= 1 && C % numGroups === 0))
      throw new RangeError(
        `GroupNorm: numGroups does not fit, expected a divisor of ${C} (from gain), got ${numGroups}`,
      );
    checkEpsilon("GroupNorm", epsilon);
    this.gain = gain;
    this.bias = bias;
    this.numGroups = numGroups;
    this.epsilon = epsilon;
  }

  /** @throws ShapeError if x does not have the channels of the gain at its second axis */
  forward(x: Tensor): Tensor {
    const [B, C] = x.shape as [number, number];
    const channels = this.gain.shape[0]!;
    if (x.shape.length < 2 || C !== channels)
      throw new ShapeError(
        `GroupNorm: x has shape ${formatShape(x.shape)}, expected [B, C, ...] with C=${channels} (from gain)`,
      );
    const width = x.shape.slice(2).reduce((count, size) => count * size, C / this.numGroups);
    const groups = reshape(x, [B, this.numGroups, width]);
    const normalized = reshape(layerNorm(groups, { epsilon: this.epsilon }), x.shape);
    const column = [C, ...x.shape.slice(2).map(() => 1)];
    return add(multiply(normalized, reshape(this.gain, column)), reshape(this.bias, column));
  }
}
