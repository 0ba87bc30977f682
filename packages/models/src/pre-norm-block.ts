import type { MultiHeadOptions } from "@heed/attention";
import type { Norm } from "@heed/nn";
import { add, dropout, type Rng, type Tensor } from "@heed/tensor";

/** What fills the attention slot of a block. */
export interface SelfAttention {
  forward(x: Tensor, options?: MultiHeadOptions): Tensor;
}

/** What fills the feed-forward slot of a block. */
export interface PositionWise {
  forward(x: Tensor): Tensor;
}

/** What a {@link PreNormBlock} is made of. */
export interface PreNormBlockParts {
  readonly norm1: Norm;
  readonly attention: SelfAttention;
  readonly norm2: Norm;
  readonly feedForward: PositionWise;
  /** share of each residual branch set to 0 where a call brings an rng; default 0 */
  readonly residualDropout?: number;
}

/**
 * A transformer block that normalizes before each branch: x + attention(norm1(x)), then x + feedForward(norm2(x)).
 *
 * Shapes: x [B, T, E] -> [B, T, E].
 * @see Radford et al. 2019, Language Models are Unsupervised Multitask Learners, section 2.3; Xiong et al. 2020, arXiv:2002.04745.
 */
export class PreNormBlock {
  readonly norm1: Norm;
  readonly attention: SelfAttention;
  readonly norm2: Norm;
  readonly feedForward: PositionWise;
  readonly residualDropout: number;

  constructor({ norm1, attention, norm2, feedForward, residualDropout = 0 }: PreNormBlockParts) {
    this.norm1 = norm1;
    this.attention = attention;
    this.norm2 = norm2;
    this.feedForward = feedForward;
    this.residualDropout = residualDropout;
  }

  forward(x: Tensor, options: MultiHeadOptions = {}): Tensor {
    const { rng } = options;
    const attended = add(x, this.drop(this.attention.forward(this.norm1.forward(x), options), rng));
    return add(attended, this.drop(this.feedForward.forward(this.norm2.forward(attended)), rng));
  }

  private drop(x: Tensor, rng: Rng | undefined): Tensor {
    return rng && this.residualDropout > 0 ? dropout(x, { rate: this.residualDropout, rng }) : x;
  }
}
