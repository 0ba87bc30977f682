import type { Tensor } from "@heed/tensor";
import type { Stack, StackOptions } from "./stack.ts";
import { type EncoderHead, type HeadOptions, readHeads } from "./states-head.ts";

/** Positions of tokens, before which so many others stand in a cache. Shapes: int32 [B, T] -> int32 [B, T]. */
export type PositionsFn = (tokens: Tensor, numBefore: number) => Tensor;

/** What an {@link EncoderModel} is made of. */
export interface EncoderModelParts<Name extends string = string> {
  readonly encoder: Stack;
  /** by name; what they find stands under it */
  readonly heads?: Readonly<Record<Name, EncoderHead>>;
  /** of tokens where a call gives none; default 0, 1, ... on from those in the cache */
  readonly positions?: PositionsFn | undefined;
}

/** What an encoder and its heads give: the states [B, T, E], and what each head made of them. */
export type EncoderOutputs<Name extends string = string> = { readonly states: Tensor } & Readonly<Record<Name, Tensor>>;

/** Whether a model is an {@link EncoderModel}, also one of another installed copy of this package. */
export function isEncoderModel(model: object): model is EncoderModel {
  return "encoder" in model && "heads" in model && "forward" in model && !("decoder" in model);
}

/**
 * An encoder with heads that read its states: none for vectors, one for a task, two for BERT's pretraining.
 *
 * Shapes: tokens int32 [B, T] -> states [B, T, E] and what the heads give.
 * @see Devlin et al. 2018, BERT, section 3, arXiv:1810.04805.
 */
export class EncoderModel<Name extends string = string> {
  readonly encoder: Stack;
  readonly heads: Readonly<Record<Name, EncoderHead>>;
  readonly positions: PositionsFn | undefined;

  constructor({ encoder, heads, positions }: EncoderModelParts<Name>) {
    this.encoder = encoder;
    this.heads = heads ?? ({} as Readonly<Record<Name, EncoderHead>>);
    this.positions = positions;
  }

  get vocabSize(): number {
    return this.encoder.vocabSize;
  }

  /** Tokens in one sequence at most. */
  get maxSeqLen(): number {
    return this.encoder.maxSeqLen;
  }

  /**
   * Shapes: tokens int32 [B, T] -> states [B, T, E] and what the heads give.
   *
   * @param options.places int32 [N], the places among all B T that heads of each token read: they give [N, out]. A head over the
   *   vocabulary costs as much as several layers, and pretraining asks it about a seventh of the tokens
   * @throws RangeError if a sequence is longer than maxSeqLen or a token is outside the vocabulary
   */
  forward(tokens: Tensor, { places, ...options }: StackOptions & HeadOptions = {}): EncoderOutputs<Name> {
    const states = this.encode(tokens, options);
    return { states, ...readHeads(this.heads, states, { rng: options.rng, places }) } as EncoderOutputs<Name>;
  }

  /** The states alone. Shapes: tokens int32 [B, T] -> [B, T, E]. */
  encode(tokens: Tensor, options: StackOptions = {}): Tensor {
    const { positions = this.positions?.(tokens, options.cache?.length ?? 0), ...rest } = options;
    return this.encoder.forward(tokens, { ...rest, positions });
  }
}
