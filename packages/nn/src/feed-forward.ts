import { formatShape, ShapeError, type Tensor } from "@heed/tensor";
import type { Activation } from "./activation.ts";
import type { Initializer } from "./init.ts";
import { createLinear, type Linear } from "./linear.ts";

/**
 * Two linear layers with an activation between: contract(activation(expand(x))).
 *
 * Shapes: expand E -> F, contract F -> E.
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.3, arXiv:1706.03762. Differs: any activation.
 */
export class FeedForward {
  readonly expand: Linear;
  readonly contract: Linear;
  readonly activation: Activation;

  /** @throws ShapeError if contract does not take what expand gives */
  constructor(expand: Linear, contract: Linear, activation: Activation) {
    if (expand.dOut !== contract.dIn) {
      throw new ShapeError(
        `FeedForward: contract has dIn=${contract.dIn} in weight ${formatShape(contract.weight.shape)}, expected ${expand.dOut} (from expand ${formatShape(expand.weight.shape)})`,
      );
    }
    this.expand = expand;
    this.contract = contract;
    this.activation = activation;
  }

  /** Shapes: x [..., E] -> [..., E]. */
  forward(x: Tensor): Tensor {
    return this.contract.forward(this.expand.forward(x, this.activation));
  }
}

/** Options of {@link createFeedForward}. */
export interface FeedForwardOptions {
  readonly dModel: number;
  readonly dFF: number;
  readonly activation: Activation;
  readonly weight: Initializer;
  /** first values of the second weight; default as `weight` */
  readonly contractWeight?: Initializer;
  /** first values of both biases; without it the layers have none */
  readonly bias?: Initializer | undefined;
}

/** A feed-forward layer with new weights. */
export function createFeedForward({
  dModel,
  dFF,
  activation,
  weight,
  contractWeight = weight,
  bias,
}: FeedForwardOptions): FeedForward {
  return new FeedForward(
    createLinear({ dIn: dModel, dOut: dFF, weight, bias }),
    createLinear({ dIn: dFF, dOut: dModel, weight: contractWeight, bias }),
    activation,
  );
}
