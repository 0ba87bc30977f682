import { add, bindShapes, divide, mean, multiply, sqrt, subtract, sum, type Tensor } from "@heed/tensor";
import { checkEpsilon } from "./layer-norm.ts";

/**
 * Layer normalization by the sample's deviation: gain * (x - mean) / (deviation + epsilon) + bias.
 *
 * The deviation divides by E - 1, and epsilon stands outside the root: not `LayerNorm`, which published weights of this
 * form would not survive.
 *
 * Shapes: gain [E], bias [E], E at least 2.
 * @see Rush 2018, The Annotated Transformer, class LayerNorm.
 */
export class DeviationNorm {
  readonly gain: Tensor;
  readonly bias: Tensor;
  readonly epsilon: number;

  /** @throws ShapeError if gain or bias is not [E]; RangeError if epsilon is negative */
  constructor(gain: Tensor, bias: Tensor, epsilon = 1e-6) {
    bindShapes("DeviationNorm", { gain: [gain, "E"], bias: [bias, "E"] });
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
    return add(multiply(this.gain, divide(centered, add(sqrt(variance), this.epsilon))), this.bias);
  }
}
