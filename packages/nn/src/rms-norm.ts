import { add, bindShapes, rmsNorm, type Tensor } from "@heed/tensor";
import { type InitOptions, onesInit, zerosInit } from "./init.ts";
import { checkEpsilon } from "./layer-norm.ts";

/** What a {@link RmsNorm} does beside its gain. */
export interface RmsNormOptions {
  /** added to the mean square; default 1e-5 (T5 and Gemma: 1e-6) */
  readonly epsilon?: number;
  /** added to the gain: 0, or 1 as Gemma, whose gain starts at 0; default 0 */
  readonly gainOffset?: number;
}

/**
 * Root-mean-square normalization over the last axis: x / sqrt(mean of x^2 + epsilon) * (gainOffset + gain).
 *
 * Shapes: gain [E].
 * @see Zhang and Sennrich 2019, Root Mean Square Layer Normalization, arXiv:1910.07467; T5's layer norm is the same.
 */
export class RmsNorm {
  readonly gain: Tensor;
  readonly epsilon: number;
  readonly gainOffset: number;

  /** @throws ShapeError if gain is not [E]; RangeError if epsilon is negative */
  constructor(gain: Tensor, { epsilon = 1e-5, gainOffset = 0 }: RmsNormOptions = {}) {
    bindShapes("RmsNorm", { gain: [gain, "E"] });
    checkEpsilon("RmsNorm", epsilon);
    this.gain = gain;
    this.epsilon = epsilon;
    this.gainOffset = gainOffset;
  }

  /** Shapes: x [..., E] -> [..., E]. */
  forward(x: Tensor): Tensor {
    const gain = this.gainOffset === 0 ? this.gain : add(this.gain, this.gainOffset);
    return rmsNorm(x, { gain, epsilon: this.epsilon });
  }
}

/**
 * An RMS norm that starts with factor 1.
 *
 * @example
 * const norm = createRmsNorm({ dModel: 4, epsilon: 1e-6 });
 */
export function createRmsNorm({
  dModel,
  epsilon = 1e-5,
  gainOffset = 0,
  ...init
}: RmsNormOptions & InitOptions & { readonly dModel: number }): RmsNorm {
  const first = gainOffset === 0 ? onesInit(init) : zerosInit(init);
  return new RmsNorm(first([dModel]), { epsilon, gainOffset });
}
