import { linear, type Rng, ShapeError, scope, slice, type Tensor } from "@heed/tensor";
import type { ForwardOptions, Head } from "./decoder.ts";
import { Decoding } from "./decoding.ts";
import { drop } from "./drop.ts";
import type { ForwardObserver } from "./run-blocks.ts";
import type { Stack } from "./stack.ts";

/** Whether a model is an {@link EncoderDecoder}, also one of another installed copy of this package. */
export function isEncoderDecoder(model: object): model is EncoderDecoder {
  return "encoder" in model && "decoder" in model && "decoding" in model;
}

/** What an {@link EncoderDecoder} is made of. */
export interface EncoderDecoderParts {
  readonly encoder: Stack;
  /** with a causal mask, and blocks that have cross-attention */
  readonly decoder: Stack;
  /** default: the decoder's token embedding, transposed (tied) */
  readonly head?: Head | undefined;
  /** share of the final states of both stacks set to 0 where a call brings an rng; default 0 */
  readonly outputDropout?: number;
}

/** The two texts of a batch. */
export interface SequencePair {
  /** int32 [B, S] */
  readonly source: Tensor;
  /** what the decoder reads, its start token first, int32 [B, T] */
  readonly target: Tensor;
}

/** What one call of an {@link EncoderDecoder} takes beside its tokens. */
export interface PairOptions {
  /** bool [B, S], true = a real token; default: all of them */
  readonly sourcePadding?: Tensor | undefined;
  /** bool [B, T]; default: all of them */
  readonly targetPadding?: Tensor | undefined;
  /** source of dropout; without it there is none */
  readonly rng?: Rng | undefined;
  readonly observe?: { readonly encoder?: ForwardObserver; readonly decoder?: ForwardObserver } | undefined;
}

/** What one call of an encoder takes beside its tokens. */
export interface EncodeOptions {
  /** bool [B, S], true = a real token; default: all of them */
  readonly padding?: Tensor | undefined;
  readonly rng?: Rng | undefined;
  readonly observe?: ForwardObserver | undefined;
}

/** What {@link EncoderDecoder.decoding} starts from: tokens, or the states they became. */
export type DecodingSource = ({ readonly source: Tensor } | { readonly states: Tensor }) & {
  /** bool [B, S], true = a real token; default: all of them */
  readonly sourcePadding?: Tensor | undefined;
};

/**
 * Reads one text with an encoder and writes another with a decoder that looks at the encoder's states.
 *
 * Shapes: source int32 [B, S], target int32 [B, T] -> logits [B, T, V].
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3, arXiv:1706.03762.
 */
export class EncoderDecoder {
  readonly encoder: Stack;
  readonly decoder: Stack;
  readonly head: Head | undefined;
  readonly outputDropout: number;

  /** @throws RangeError if outputDropout is outside [0, 1) */
  constructor({ encoder, decoder, head, outputDropout = 0 }: EncoderDecoderParts) {
    if (!(outputDropout >= 0 && outputDropout < 1))
      throw new RangeError(
        `EncoderDecoder: outputDropout is out of range, expected a probability in [0, 1), got ${outputDropout}`,
      );
    this.encoder = encoder;
    this.decoder = decoder;
    this.head = head;
    this.outputDropout = outputDropout;
  }

  /** Of the target. */
  get vocabSize(): number {
    return this.decoder.vocabSize;
  }

  /** Tokens of the target at most. */
  get maxSeqLen(): number {
    return this.decoder.maxSeqLen;
  }

  /**
   * Logits of the token after each position of the target.
   *
   * Shapes: source int32 [B, S], target int32 [B, T] -> [B, T, V].
   * @throws ShapeError if source and target have different batch sizes; RangeError for a sequence that is too long or a
   *   token outside its vocabulary
   */
  forward({ source, target }: SequencePair, options: PairOptions = {}): Tensor {
    const { sourcePadding, targetPadding, rng, observe } = options;
    const states = this.encode(source, { padding: sourcePadding, rng, observe: observe?.encoder });
    const memory = { states, padding: sourcePadding };
    return this.decode(target, { memory, padding: targetPadding, rng, observe: observe?.decoder });
  }

  /** What the decoder reads. Shapes: source int32 [B, S] -> [B, S, E]. */
  encode(source: Tensor, options: EncodeOptions = {}): Tensor {
    return drop(this.encoder.forward(source, options), this.outputDropout, options.rng);
  }

  /**
   * Logits from states: `options.memory` says which.
   *
   * Shapes: target int32 [B, T] -> [B, T, V], or [B, 1, V] with `lastOnly`.
   * @throws ShapeError if target and states have different batch sizes
   */
  decode(target: Tensor, { lastOnly = false, ...options }: ForwardOptions): Tensor {
    const rows = options.memory?.states.shape[0];
    if (rows !== undefined && target.shape.length === 2 && target.shape[0] !== rows)
      throw new ShapeError(
        `EncoderDecoder: target has ${target.shape[0]} rows, expected ${rows} (from the source). Give one target for each source`,
      );
    const states = drop(this.decoder.forward(target, options), this.outputDropout, options.rng);
    const [B, T, E] = states.shape as [number, number, number];
    const last = lastOnly && T > 1 ? slice(states, [0, T - 1, 0], [B, 1, E]) : states;
    return this.head ? this.head.forward(last) : linear(last, this.decoder.embedding.tokens.weight);
  }

  /**
   * The decoder bound to a source, with the interface of a decoder-only model: for generation. Runs the encoder once.
   *
   * Its prompts begin with the token that starts a target. Dispose it after use.
   */
  decoding({ sourcePadding: padding, ...from }: DecodingSource): Decoding {
    if ("states" in from) return new Decoding(this, { states: from.states, padding });
    return scope(() => new Decoding(this, { states: this.encode(from.source, { padding }), padding }));
  }
}
