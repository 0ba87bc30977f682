import type { SequenceCache } from "@heed/attention";
import type { Tensor } from "@heed/tensor";

/** What generation asks of a forward pass. */
export interface StepOptions {
  readonly cache: SequenceCache;
  readonly lastOnly: true;
  /** int32 [B, T], only where rows have different lengths */
  readonly positions?: Tensor | undefined;
  /** bool [B, S], true = a real token, those in the cache first; only where rows have different lengths */
  readonly padding?: Tensor | undefined;
}

/** A model as generation sees it: the decoders of `@heed/models`, and the `decoding` of its encoder-decoders. */
export interface CausalModel {
  /** tokens in one sequence at most */
  readonly maxSeqLen: number;
  readonly vocabSize: number;
  createCache(): SequenceCache;
  /** tokens int32 [B, T] -> logits of the last position [B, 1, V] */
  forward(tokens: Tensor, options: StepOptions): Tensor;
}
