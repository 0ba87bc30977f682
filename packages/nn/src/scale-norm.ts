import { bindShapes, divide, maximum, multiply, sum, type Tensor } from "@heed/tensor";
import { checkEpsilon } from "./layer-norm.ts";
import { root } from "./root.ts";

/**
 * Vectors brought to one learned length: gain * sqrt(E) * x / max(|x|, epsilon).
 *
 * Shapes: gain [1].
 * Numerics: a row of zeros gives zeros, and no gradient through its length.
 * @see Nguyen and Salazar 2019, Transformers without Tears, section 3.2, arXiv:1910.05895. Differs: sqrt(E) stands beside
 *   the gain, as in x-transformers, so that it starts at 1.
 */
export class ScaleNorm {
  readonly gain: Tensor;
  readonly epsilon: number;

  /** @throws ShapeError if gain is not [1]; RangeError if epsilon is negative */
  constructor(gain: Tensor, epsilon = 1e-12) {
    bindShapes("ScaleNorm", { gain: [gain, "1"] });
    checkEpsilon("ScaleNorm", epsilon);
    this.gain = gain;
    this.epsilon = epsilon;
  }

  /** Shapes: x [..., E] -> [..., E]. */
  forward(x: Tensor): Tensor {
    const length = root(sum(multiply(x, x), { axes: -1, keepDims: true }));
    const unit = divide(x, maximum(length, this.epsilon));
    return multiply(unit, multiply(this.gain, Math.sqrt(x.shape.at(-1)!)));
  }
}
