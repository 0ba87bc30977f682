import { formatShape, multiply, type Rng, ShapeError, type Tensor } from "@heed/tensor";
import type { Activation } from "./activation.ts";
import { checkDropout, dropInner, type InnerDropout } from "./feed-forward.ts";
import type { Initializer } from "./init.ts";
import { createLinear, type Linear } from "./linear.ts";

/**
 * A value let through by a gate: value * activation(gate), elementwise.
 *
 * With sigmoid it is GLU, with relu ReGLU, with gelu GEGLU, with silu SwiGLU.
 *
 * Shapes: both [...] -> [...].
 * @see Dauphin et al. 2016, arXiv:1612.08083 (GLU); Shazeer 2020, GLU Variants Improve Transformer, arXiv:2002.05202.
 */
export function gated(value: Tensor, gate: Tensor, activation: Activation): Tensor {
  return multiply(value, activation(gate));
}

/**
 * A feed-forward layer with a gate: contract(expand(x) * activation(gate(x))).
 *
 * Shapes: gate and expand E -> F, contract F -> E; x [..., E] -> [..., E].
 * @see Shazeer 2020, GLU Variants Improve Transformer, section 2, arXiv:2002.05202.
 */
export class GatedFeedForward {
  readonly gate: Linear;
  readonly expand: Linear;
  readonly contract: Linear;
  readonly activation: Activation;
  readonly dropout: number;

  /** @throws ShapeError if the widths of the layers do not fit each other; RangeError if dropout is outside [0, 1) */
  constructor(
    gate: Linear,
    expand: Linear,
    contract: Linear,
    activation: Activation,
    { dropout = 0 }: InnerDropout = {},
  ) {
    checkDropout("GatedFeedForward", dropout);
    if (gate.dOut !== expand.dOut || gate.dIn !== expand.dIn)
      throw new ShapeError(
        `GatedFeedForward: gate has weight ${formatShape(gate.weight.shape)}, expected ${formatShape(expand.weight.shape)} (from expand)`,
      );
    if (contract.dOut !== expand.dIn)
      throw new ShapeError(
        `GatedFeedForward: contract has dOut=${contract.dOut} in weight ${formatShape(contract.weight.shape)}, expected ${expand.dIn} (from expand ${formatShape(expand.weight.shape)})`,
      );
    if (contract.dIn !== expand.dOut)
      throw new ShapeError(
        `GatedFeedForward: contract has dIn=${contract.dIn} in weight ${formatShape(contract.weight.shape)}, expected ${expand.dOut} (from expand ${formatShape(expand.weight.shape)})`,
      );
    this.gate = gate;
    this.expand = expand;
    this.contract = contract;
    this.activation = activation;
    this.dropout = dropout;
  }

  forward(x: Tensor, { rng }: { readonly rng?: Rng | undefined } = {}): Tensor {
    const inner = multiply(this.expand.forward(x), this.gate.forward(x, this.activation));
    return this.contract.forward(dropInner(inner, this.dropout, rng));
  }
}

/**
 * A gated feed-forward layer with new weights.
 *
 * @example
 * const swiGlu = createGatedFeedForward({ dModel: 4, dFF: 8, activation: siluActivation, weight: zerosInit() });
 */
export function createGatedFeedForward({
  dModel,
  dFF,
  activation,
  weight,
  contractWeight = weight,
  bias,
  dropout = 0,
}: InnerDropout & {
  readonly dModel: number;
  readonly dFF: number;
  readonly activation: Activation;
  readonly weight: Initializer;
  /** first values of the last weight; default as `weight` */
  readonly contractWeight?: Initializer;
  readonly bias?: Initializer | undefined;
}): GatedFeedForward {
  const expand = { dIn: dModel, dOut: dFF, weight, bias };
  return new GatedFeedForward(
    createLinear(expand),
    createLinear(expand),
    createLinear({ dIn: dFF, dOut: dModel, weight: contractWeight, bias }),
    activation,
    { dropout },
  );
}
