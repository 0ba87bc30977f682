import type { Norm } from "@heed/nn";
import { add, type Tensor } from "@heed/tensor";
import type { AttentionLayer, BlockOptions, PositionWise } from "./block.ts";
import { drop } from "./drop.ts";

/** What a {@link ParallelBlock} is made of. */
export interface ParallelBlockParts {
  readonly norm1: Norm;
  readonly attention: AttentionLayer;
  /** of the feed-forward branch; default norm1 */
  readonly norm2?: Norm | undefined;
  readonly feedForward: PositionWise;
  /** share of each branch set to 0 where a call brings an rng; default 0 */
  readonly residualDropout?: number;
}

/**
 * A transformer block whose branches read the same input: x + attention(norm1(x)) + feedForward(norm2(x)).
 *
 * Shapes: x [B, T, E] -> [B, T, E].
 * @see Wang and Komatsuzaki 2021, GPT-J-6B; Black et al. 2022, GPT-NeoX-20B, section 2.1, arXiv:2204.06745.
 */
export class ParallelBlock {
  readonly norm1: Norm;
  readonly attention: AttentionLayer;
  readonly norm2: Norm | undefined;
  readonly feedForward: PositionWise;
  readonly residualDropout: number;

  constructor({ norm1, attention, norm2, feedForward, residualDropout = 0 }: ParallelBlockParts) {
    this.norm1 = norm1;
    this.attention = attention;
    this.norm2 = norm2;
    this.feedForward = feedForward;
    this.residualDropout = residualDropout;
  }

  forward(x: Tensor, options: BlockOptions = {}): Tensor {
    const { rng } = options;
    const normalized = this.norm1.forward(x);
    const attended = drop(this.attention.forward(normalized, options), this.residualDropout, rng);
    const expanded = this.feedForward.forward(this.norm2 ? this.norm2.forward(x) : normalized, { rng });
    return add(add(x, attended), drop(expanded, this.residualDropout, rng));
  }
}
