import { causal, type KeyValueCache } from "@heed/attention";
import { linear, slice, type Tensor } from "@heed/tensor";
import type { TransformerBlock } from "./block.ts";
import { byOrder } from "./by-order.ts";
import { Stack, type StackOptions, type StackParts } from "./stack.ts";

/** Whether a model is a {@link Decoder}, also one of another installed copy of this package. */
export function isDecoder(model: object): model is Decoder {
  return "stack" in model && "createCache" in model && "forward" in model;
}

/** What makes logits of states. */
export interface Head {
  /** [B, T, E] -> [B, T, V] */
  forward(x: Tensor): Tensor;
}

/** What one call of a decoder takes beside its tokens. */
export interface ForwardOptions extends StackOptions {
  /** logits of the last position only, [B, 1, V]; default false */
  readonly lastOnly?: boolean;
}

/** What a {@link Decoder} is made of: the parts of a stack, whose mask is causal by the order of tokens by default, and a head. */
export interface DecoderParts extends StackParts {
  /** default: the token embedding, transposed (tied) */
  readonly head?: Head | undefined;
}

/**
 * A decoder-only language model: embed, blocks, norm, head.
 *
 * Shapes: tokens int32 [B, T] -> logits [B, T, V].
 * @see Radford et al. 2019, Language Models are Unsupervised Multitask Learners, section 2.3.
 */
export class Decoder {
  readonly stack: Stack;
  readonly head: Head | undefined;

  constructor({ head, mask = byOrder(causal()), ...parts }: DecoderParts) {
    this.stack = new Stack({ ...parts, mask });
    this.head = head;
  }

  get vocabSize(): number {
    return this.stack.vocabSize;
  }

  get maxSeqLen(): number {
    return this.stack.maxSeqLen;
  }

  get blocks(): readonly TransformerBlock[] {
    return this.stack.blocks;
  }

  /** Room for the keys and values of one batch, up to `maxSeqLen` tokens. */
  createCache(options?: { readonly maxSeqLen?: number }): KeyValueCache {
    return this.stack.createCache(options);
  }

  /**
   * Logits of the token after each position.
   *
   * Shapes: tokens int32 [B, T] -> [B, T, V], or [B, 1, V] with `lastOnly`.
   * @throws RangeError if a sequence is longer than maxSeqLen or a token is outside the vocabulary
   */
  forward(tokens: Tensor, { lastOnly = false, ...options }: ForwardOptions = {}): Tensor {
    const x = this.encode(tokens, options);
    const [B, T, E] = x.shape as [number, number, number];
    const last = lastOnly && T > 1 ? slice(x, [0, T - 1, 0], [B, 1, E]) : x;
    return this.head ? this.head.forward(last) : linear(last, this.stack.embedding.tokens.weight);
  }

  /** The final states before the head. Shapes: tokens int32 [B, T] -> [B, T, E]. */
  encode(tokens: Tensor, options: StackOptions = {}): Tensor {
    return this.stack.forward(tokens, options);
  }
}
