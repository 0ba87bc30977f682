import {
  add,
  bindShapes,
  divide,
  formatShape,
  mean,
  multiply,
  ShapeError,
  subtract,
  sum,
  type Tensor,
} from "@heed/tensor";
import { checkEpsilon } from "./layer-norm.ts";
import { root } from "./root.ts";

/**
 * Layer normalization by the sample's deviation: gain * (x - mean) / (deviation + epsilon) + bias.
 *
 * The deviation divides by E - 1, and epsilon stands outside the root: not `LayerNorm`, which published weights of this
 * form would not survive.
 *
 * Shapes: gain [E], bias [E], E at least 2.
 * Numerics: a row whose values are all equal gives the bias, and no gradient through its deviation.
 * @see Rush 2018, The Annotated Transformer, class LayerNorm.
 */
export class DeviationNorm {
  readonly gain: Tensor;
  readonly bias: Tensor;
  readonly epsilon: number;

  /** @throws ShapeError if gain or bias is not [E] or E is below 2; RangeError if epsilon is negative */
  constructor(gain: Tensor, bias: Tensor, epsilon = 1e-6) {
    bindShapes("DeviationNorm", { gain: [gain, "E"], bias: [bias, "E"] });
    if (gain.shape[0]! < 2)
      throw new ShapeError(
        `DeviationNorm: gain has shape ${formatShape(gain.shape)}, expected at least 2 values: one has no deviation`,
      );
    checkEpsilon("DeviationNorm", epsilon);
    this.gain = gain;
    this.bias = bias;
    this.epsilon = epsilon;
  }

  /** Shapes: x [..., E] -> [..., E]. */
  forward(x: Tensor): Tensor {
    const over = { axes: -1, keepDims: true } as const;
    const centered = subtract(x, mean(x, over));
    const variance = divide(sum(multiply(centered, centered), over), x.shape.at(-1)! - 1);
    return add(multiply(this.gain, divide(centered, add(root(variance), this.epsilon))), this.bias);
  }
}
