import type { AttentionView, LayerCache, MultiHeadOptions } from "@heed/attention";
import { type Norm, type NormPlacement, preNorm } from "@heed/nn";
import type { Rng, Tensor } from "@heed/tensor";
import { drop } from "./drop.ts";

/** What fills an attention slot of a block. */
export interface AttentionLayer {
  forward(x: Tensor, options?: MultiHeadOptions): Tensor;
}

/** What fills the feed-forward slot of a block. */
export interface PositionWise {
  forward(x: Tensor, options?: { readonly rng?: Rng | undefined }): Tensor;
}

/** What one layer's cross-attention reads. */
export interface LayerMemory {
  /** what an encoder made, [B, S, E] */
  readonly states: Tensor;
  /** bool, broadcast to [B, H, T, S]; default: all of it is seen */
  readonly mask?: Tensor | undefined;
  /** keys and values of the states, once they are made */
  readonly cache?: LayerCache | undefined;
  readonly observe?: ((view: AttentionView) => void) | undefined;
}

/** What one call of a block takes beside its input. */
export interface BlockOptions extends MultiHeadOptions {
  /** needed where the block has cross-attention */
  readonly memory?: LayerMemory | undefined;
}

/** What fills a layer of a stack. */
export interface TransformerBlock {
  forward(x: Tensor, options?: BlockOptions): Tensor;
}

/** What a {@link Block} is made of. */
export interface BlockParts {
  readonly norm1: Norm;
  readonly attention: AttentionLayer;
  /** reads an encoder's states, between attention and feed-forward; default none */
  readonly crossAttention?: AttentionLayer | undefined;
  /** of the cross-attention branch */
  readonly crossNorm?: Norm | undefined;
  readonly norm2: Norm;
  readonly feedForward: PositionWise;
  /** where norms stand: `preNorm` (default) or `postNorm` of `@heed/nn`, or a function of that kind */
  readonly placement?: (norm: Norm) => NormPlacement;
  /** share of each branch set to 0 where a call brings an rng; default 0 */
  readonly residualDropout?: number;
  /** that of the feed-forward branch, where it differs (ALBERT, DistilBERT); default residualDropout */
  readonly feedForwardDropout?: number;
}

/**
 * A transformer block: attention, then cross-attention if it has one, then feed-forward, each a residual branch with its norm.
 *
 * With `preNorm` a branch is x + branch(norm(x)), with `postNorm` norm(x + branch(x)).
 *
 * Shapes: x [B, T, E] -> [B, T, E].
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.1 (post), arXiv:1706.03762; Xiong et al. 2020, On Layer
 *   Normalization in the Transformer Architecture (pre), arXiv:2002.04745.
 */
export class Block {
  readonly norm1: Norm;
  readonly attention: AttentionLayer;
  readonly crossNorm: Norm | undefined;
  readonly crossAttention: AttentionLayer | undefined;
  readonly norm2: Norm;
  readonly feedForward: PositionWise;
  readonly placement: (norm: Norm) => NormPlacement;
  readonly residualDropout: number;
  readonly feedForwardDropout: number;

  /** @throws TypeError if there is cross-attention without a norm of its own, or the reverse */
  constructor(parts: BlockParts) {
    if (Boolean(parts.crossAttention) !== Boolean(parts.crossNorm))
      throw new TypeError(
        `Block: ${parts.crossNorm ? "crossAttention" : "crossNorm"} is missing, expected crossAttention and crossNorm together or neither, got undefined`,
      );
    this.norm1 = parts.norm1;
    this.attention = parts.attention;
    this.crossNorm = parts.crossNorm;
    this.crossAttention = parts.crossAttention;
    this.norm2 = parts.norm2;
    this.feedForward = parts.feedForward;
    this.placement = parts.placement ?? preNorm;
    this.residualDropout = parts.residualDropout ?? 0;
    this.feedForwardDropout = parts.feedForwardDropout ?? this.residualDropout;
  }

  /** @throws TypeError if the block has cross-attention and the call no memory */
  forward(x: Tensor, { memory, ...options }: BlockOptions = {}): Tensor {
    const { rng } = options;
    const attended = this.placement(this.norm1)(x, (y) =>
      drop(this.attention.forward(y, options), this.residualDropout, rng),
    );
    const informed = this.crossAttention ? this.read(attended, memory, rng) : attended;
    return this.placement(this.norm2)(informed, (y) =>
      drop(this.feedForward.forward(y, { rng }), this.feedForwardDropout, rng),
    );
  }

  private read(x: Tensor, memory: LayerMemory | undefined, rng: Rng | undefined): Tensor {
    if (!memory)
      throw new TypeError(
        "Block: memory is missing, expected the states that cross-attention reads, got undefined. Give what an encoder made",
      );
    const { states, mask, cache, observe } = memory;
    return this.placement(this.crossNorm!)(x, (y) =>
      drop(this.crossAttention!.forward(y, { context: states, mask, cache, rng, observe }), this.residualDropout, rng),
    );
  }
}
