import { bindShapes, formatShape, linear, ShapeError, type Tensor } from "@heed/tensor";
import type { Activation } from "./activation.ts";
import type { Initializer } from "./init.ts";

/**
 * y = x weight^T + bias.
 *
 * Shapes: weight [dOut, dIn] as PyTorch stores it, bias [dOut] or none.
 */
export class Linear {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;

  /** @throws ShapeError if weight is not a matrix or bias does not fit it */
  constructor(weight: Tensor, bias?: Tensor) {
    if (bias) bindShapes("Linear", { weight: [weight, "dOut dIn"], bias: [bias, "dOut"] });
    else bindShapes("Linear", { weight: [weight, "dOut dIn"] });
    this.weight = weight;
    this.bias = bias;
  }

  get dIn(): number {
    return this.weight.shape[1]!;
  }

  get dOut(): number {
    return this.weight.shape[0]!;
  }

  /**
   * Shapes: x [..., dIn] -> [..., dOut].
   *
   * @param activation applied to the result, in the same kernel where it has one
   * @throws ShapeError if the last axis of x is not dIn
   */
  forward(x: Tensor, activation?: Activation): Tensor {
    if (x.shape.at(-1) !== this.dIn) {
      throw new ShapeError(
        `Linear: x has width ${x.shape.at(-1) ?? "none"} in shape ${formatShape(x.shape)}, expected dIn=${this.dIn} (from weight ${formatShape(this.weight.shape)})`,
      );
    }
    const fused = activation?.fused;
    const y = linear(x, this.weight, this.bias, fused ? { activation: fused } : {});
    return activation && !fused ? activation(y) : y;
  }
}

/** Options of {@link createLinear}. */
export interface LinearOptions {
  readonly dIn: number;
  readonly dOut: number;
  /** first values of the weight */
  readonly weight: Initializer;
  /** first values of the bias; without it the layer has none */
  readonly bias?: Initializer | undefined;
}

/**
 * A linear layer with new weights.
 *
 * @example
 * const layer = createLinear({ dIn: 4, dOut: 8, weight: normalInit({ std: 0.02, rng: rng(0) }), bias: zerosInit() });
 */
export function createLinear({ dIn, dOut, weight, bias }: LinearOptions): Linear {
  return new Linear(weight([dOut, dIn]), bias?.([dOut]));
}
