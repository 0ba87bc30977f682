import { dropout as dropTensor, formatShape, type Rng, ShapeError, type Tensor } from "@heed/tensor";
import type { Activation } from "./activation.ts";
import type { Initializer } from "./init.ts";
import { createLinear, type Linear } from "./linear.ts";

/** What a feed-forward layer does beside its layers. */
export interface InnerDropout {
  /** share of the values between the layers set to 0 where a call brings an rng, in [0, 1); default 0 */
  readonly dropout?: number;
}

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
  readonly dropout: number;

  /** @throws ShapeError if contract does not take what expand gives; RangeError if dropout is outside [0, 1) */
  constructor(expand: Linear, contract: Linear, activation: Activation, { dropout = 0 }: InnerDropout = {}) {
    checkDropout("FeedForward", dropout);
    if (expand.dOut !== contract.dIn) {
      throw new ShapeError(
        `FeedForward: contract has dIn=${contract.dIn} in weight ${formatShape(contract.weight.shape)}, expected ${expand.dOut} (from expand ${formatShape(expand.weight.shape)})`,
      );
    }
    this.expand = expand;
    this.contract = contract;
    this.activation = activation;
    this.dropout = dropout;
  }

  /** Shapes: x [..., E] -> [..., E]. */
  forward(x: Tensor, { rng }: { readonly rng?: Rng | undefined } = {}): Tensor {
    return this.contract.forward(dropInner(this.expand.forward(x, this.activation), this.dropout, rng));
  }
}

/** @internal */
export function checkDropout(where: string, dropout: number): void {
  if (!(dropout >= 0 && dropout < 1))
    throw new RangeError(`${where}: dropout is out of range, expected a probability in [0, 1), got ${dropout}`);
}

/** @internal */
export function dropInner(x: Tensor, rate: number, rng: Rng | undefined): Tensor {
  return rng && rate > 0 ? dropTensor(x, { rate, rng }) : x;
}

/** Options of {@link createFeedForward}. */
export interface FeedForwardOptions extends InnerDropout {
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
  dropout = 0,
}: FeedForwardOptions): FeedForward {
  return new FeedForward(
    createLinear({ dIn: dModel, dOut: dFF, weight, bias }),
    createLinear({ dIn: dFF, dOut: dModel, weight: contractWeight, bias }),
    activation,
    { dropout },
  );
}
