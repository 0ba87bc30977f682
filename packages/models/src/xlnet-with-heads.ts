import type { Tensor } from "@heed/tensor";
import type { EncoderOutputs } from "./encoder-model.ts";
import { type EncoderHead, readHeads } from "./states-head.ts";
import type { Xlnet, XlnetOptions } from "./xlnet-model.ts";

/** What an {@link XlnetWithHeads} is made of. */
export interface XlnetWithHeadsParts<Name extends string = string> {
  readonly xlnet: Xlnet;
  /** by name; what they find stands under it */
  readonly heads: Readonly<Record<Name, EncoderHead>>;
}

/** Whether a model is an {@link XlnetWithHeads}, also one of another installed copy of this package. */
export function isXlnetWithHeads(model: object): model is XlnetWithHeads {
  return "xlnet" in model && "heads" in model;
}

/**
 * An XLNet with heads that read its states: for labels of texts or tokens, or the ends of an answer.
 *
 * Shapes: tokens int32 [B, T] -> states [B, T, E], or [B, P, E] with a mapping, and what the heads give.
 * @see Yang et al. 2019, XLNet, section 3.1, arXiv:1906.08237.
 */
export class XlnetWithHeads<Name extends string = string> {
  readonly xlnet: Xlnet;
  readonly heads: Readonly<Record<Name, EncoderHead>>;

  constructor({ xlnet, heads }: XlnetWithHeadsParts<Name>) {
    this.xlnet = xlnet;
    this.heads = heads;
  }

  get vocabSize(): number {
    return this.xlnet.vocabSize;
  }

  /** Tokens in one sequence at most; Infinity if any number will do. */
  get maxSeqLen(): number {
    return this.xlnet.maxSeqLen;
  }

  /**
   * Shapes: tokens int32 [B, T] -> states [B, T, E], or [B, P, E] with a mapping, and what the heads give.
   *
   * @throws ShapeError if an option does not fit the tokens; RangeError if a token is outside the vocabulary or a sequence
   *   longer than maxSeqLen
   */
  forward(tokens: Tensor, options: XlnetOptions = {}): EncoderOutputs<Name> {
    const states = this.xlnet.encode(tokens, options);
    return { states, ...readHeads(this.heads, states, { rng: options.rng }) } as EncoderOutputs<Name>;
  }
}
