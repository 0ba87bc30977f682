import type { Rng, Tensor } from "@heed/tensor";
import type { EncoderDecoder } from "../src/index.ts";

/** An encoder-decoder as a language model, whose source is its target: for the contract. */
export class PairModel {
  readonly model: EncoderDecoder;

  constructor(model: EncoderDecoder) {
    this.model = model;
  }

  forward(tokens: Tensor, { rng }: { readonly rng?: Rng } = {}): Tensor {
    return this.model.forward({ source: tokens, target: tokens }, { rng });
  }
}
