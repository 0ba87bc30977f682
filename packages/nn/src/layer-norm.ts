import { bindShapes, layerNorm, type Tensor } from "@heed/tensor";
import { type InitOptions, onesInit, zerosInit } from "./init.ts";

/** What fills a norm slot: the same shape in and out. */
export interface Norm {
  forward(x: Tensor): Tensor;
}

/** @internal */
export function checkEpsilon(where: string, epsilon: number): void {
  if (!(epsilon >= 0 && Number.isFinite(epsilon)))
    throw new RangeError(`${where}: epsilon is out of range, expected a finite number >= 0, got ${epsilon}`);
}

/**
 * Layer normalization over the last axis: (x - mean) / sqrt(variance + epsilon) * gain + bias.
 *
 * Shapes: gain [E], bias [E] or none.
 * @see Ba, Kiros and Hinton 2016, Layer Normalization, arXiv:1607.06450.
 */
export class LayerNorm {
  readonly gain: Tensor;
  readonly bias: Tensor | undefined;
  readonly epsilon: number;

  /** @throws ShapeError if gain or bias is not [E]; RangeError if epsilon is negative */
  constructor(gain: Tensor, bias?: Tensor, epsilon = 1e-5) {
    bindShapes("LayerNorm", bias ? { gain: [gain, "E"], bias: [bias, "E"] } : { gain: [gain, "E"] });
    checkEpsilon("LayerNorm", epsilon);
    this.gain = gain;
    this.bias = bias;
    this.epsilon = epsilon;
  }

  /** Shapes: x [..., E] -> [..., E]. */
  forward(x: Tensor): Tensor {
    return layerNorm(x, { gain: this.gain, bias: this.bias, epsilon: this.epsilon });
  }
}

/** Options of {@link createLayerNorm}. */
export interface LayerNormOptions extends InitOptions {
  readonly dModel: number;
  /** with a bias; default true */
  readonly bias?: boolean;
  /** added to the variance; default 1e-5 */
  readonly epsilon?: number;
}

/** A layer norm with gain 1 and bias 0. */
export function createLayerNorm({ dModel, bias = true, epsilon = 1e-5, ...init }: LayerNormOptions): LayerNorm {
  return new LayerNorm(onesInit(init)([dModel]), bias ? zerosInit(init)([dModel]) : undefined, epsilon);
}
