import type { Mask } from "@heed/attention";
import type { Objective } from "../objective.ts";

/** What an encoder reads, what a decoder reads of the answer, and what it should say there. */
export interface EncoderDecoderExample {
  /** ids the encoder reads */
  readonly inputs: Int32Array;
  /** 1 where there is a token in `inputs`, 0 where there is padding, which nobody may see */
  readonly keep: Int32Array;
  /** ids the decoder reads: the targets one place later, behind a start id (teacher forcing) */
  readonly decoderInputs: Int32Array;
  /** ids to predict at the decoder's places */
  readonly targets: Int32Array;
  /** weight of each of the decoder's places in the mean loss */
  readonly lossWeights: Float32Array;
}

/**
 * An objective of a model with an encoder and a decoder. `mask` and `maskFor` are those of the encoder, and of the decoder
 * looking at it. Shapes of loss: logits [B, T, V] of the decoder's T places -> [].
 */
export interface EncoderDecoderObjective<Source = Int32Array> extends Objective<Source, EncoderDecoderExample> {
  /** who may see whom in the decoder */
  readonly decoderMask: Mask;
}
