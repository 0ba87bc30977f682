import { bindShapes, type Tensor } from "@heed/tensor";
import { drop } from "./drop.ts";
import type { EncodeOptions, PairOptions } from "./encoder-decoder.ts";
import type { EncoderOutputs } from "./encoder-model.ts";
import type { SequencePool } from "./sequence-classifier.ts";
import type { SourceShift } from "./source-shift.ts";
import type { Stack } from "./stack.ts";
import { type EncoderHead, readHeads } from "./states-head.ts";

/** What an {@link EncoderDecoderModel} is made of. */
export interface EncoderDecoderModelParts<Name extends string = string> {
  readonly encoder: Stack;
  /** with a causal mask, and blocks that have cross-attention */
  readonly decoder: Stack;
  /** what the decoder reads of the source */
  readonly shift: SourceShift;
  /** makes one state of those of a row before the heads read it, [B, T, E] -> [B, E]; default they read all */
  readonly pool?: SequencePool | undefined;
  /** by name; what they find stands under it */
  readonly heads?: Readonly<Record<Name, EncoderHead>>;
  /** share of the final states of both stacks set to 0 where a call brings an rng; default 0 */
  readonly outputDropout?: number;
}

/** What one call of an {@link EncoderDecoderModel} takes beside its tokens. */
export interface ReadOptions extends PairOptions {
  /** what the decoder reads instead, int32 [B, T] */
  readonly target?: Tensor | undefined;
}

/** Whether a model is an {@link EncoderDecoderModel}, also one of another installed copy of this package. */
export function isEncoderDecoderModel(model: object): model is EncoderDecoderModel {
  return "encoder" in model && "decoder" in model && "heads" in model && "shift" in model;
}

/**
 * An encoder-decoder that reads one text with both stacks, and heads that read the decoder's states: for labels of a text or
 * the ends of an answer in it.
 *
 * Shapes: source int32 [B, S] -> the decoder's states [B, S, E] and what the heads give.
 * @see Lewis et al. 2019, BART, section 3 (fine-tuning), arXiv:1910.13461.
 */
export class EncoderDecoderModel<Name extends string = string> {
  readonly encoder: Stack;
  readonly decoder: Stack;
  readonly shift: SourceShift;
  readonly pool: SequencePool | undefined;
  readonly heads: Readonly<Record<Name, EncoderHead>>;
  readonly outputDropout: number;

  /** @throws RangeError if outputDropout is outside [0, 1) */
  constructor({ encoder, decoder, shift, pool, heads, outputDropout = 0 }: EncoderDecoderModelParts<Name>) {
    if (!(outputDropout >= 0 && outputDropout < 1))
      throw new RangeError(
        `EncoderDecoderModel: outputDropout is out of range, expected a probability in [0, 1), got ${outputDropout}`,
      );
    this.encoder = encoder;
    this.decoder = decoder;
    this.shift = shift;
    this.pool = pool;
    this.heads = heads ?? ({} as Readonly<Record<Name, EncoderHead>>);
    this.outputDropout = outputDropout;
  }

  get vocabSize(): number {
    return this.encoder.vocabSize;
  }

  /** Tokens in one text at most. */
  get maxSeqLen(): number {
    return Math.min(this.encoder.maxSeqLen, this.decoder.maxSeqLen);
  }

  /**
   * Shapes: source int32 [B, S] -> states [B, S, E] and what the heads give; with a target [B, T] the states are its.
   *
   * @throws ShapeError if a target has another number of rows, or a pool looks for places of the source in a target of another
   *   length; RangeError if a text is longer than maxSeqLen or a token is outside the vocabulary
   */
  forward(source: Tensor, options: ReadOptions = {}): EncoderOutputs<Name> {
    const { sourcePadding, targetPadding, rng, observe, target = this.shift(source) } = options;
    bindShapes("EncoderDecoderModel", { source: [source, "B S"], target: [target, "B T"] });
    const memory = {
      states: this.encode(source, { padding: sourcePadding, rng, observe: observe?.encoder }),
      padding: sourcePadding,
    };
    const read = this.decoder.forward(target, { memory, padding: targetPadding, rng, observe: observe?.decoder });
    const states = drop(read, this.outputDropout, rng);
    const pooled = this.pool ? this.pool(states, source, { padding: sourcePadding }) : states;
    return { states, ...readHeads(this.heads, pooled, { rng }) } as EncoderOutputs<Name>;
  }

  /** What the decoder looks at. Shapes: source int32 [B, S] -> [B, S, E]. */
  encode(source: Tensor, options: EncodeOptions = {}): Tensor {
    return drop(this.encoder.forward(source, options), this.outputDropout, options.rng);
  }
}
