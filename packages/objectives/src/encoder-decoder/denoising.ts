import { causal, full } from "@heed/attention";
import { keepMask } from "../inputs/keep-mask.ts";
import type { NoiseFn } from "../noises/noise-fn.ts";
import { weightedCrossEntropy } from "../weighted-cross-entropy.ts";
import { checkLayout, fillSeq2Seq, type Seq2SeqLayout } from "./layout.ts";
import type { EncoderDecoderObjective } from "./objective.ts";

/** Options of {@link denoising}. */
export interface DenoisingOptions extends Seq2SeqLayout {
  /** what spoils the text, one after the other; at least one */
  readonly noises: readonly NoiseFn[];
}

/**
 * Rebuild a text from a spoiled copy (BART): the encoder reads the copy, the decoder writes the original.
 *
 * Shapes: prepare a text -> sourceLength inputs, targetLength decoder inputs and targets; loss logits [B, targetLength, V] -> [].
 *
 * @throws RangeError without noises or for lengths out of range; from `prepare` for a text that is empty or does not fit, spoiled or not
 * @see Lewis et al. 2020, BART: Denoising Sequence-to-Sequence Pre-training, section 2, arXiv:1910.13461.
 * @example
 * const noises = [sentencePermutation({ sentenceEndId: 3 }), textInfilling({ maskId: 4 })];
 * const objective = denoising({ noises, sourceLength: 8, targetLength: 8, startId: 2, endId: 2, paddingId: 0 });
 * objective.prepare(Int32Array.of(5, 3, 6, 7, 3), rng(0)).targets; // 5 3 6 7 3 2 0 0
 */
export function denoising(options: DenoisingOptions): EncoderDecoderObjective {
  const { noises, sourceLength } = options;
  if (noises.length === 0)
    throw new RangeError(
      "denoising: noises is empty, expected at least one, got none. Nothing would be left to rebuild",
    );
  checkLayout("denoising", options);
  return {
    mask: full(),
    maskFor: ({ keep }) => keepMask(keep, sourceLength),
    decoderMask: causal(),
    prepare: (tokens, rng) =>
      fillSeq2Seq(
        "denoising",
        options,
        noises.reduce((spoiled, noise) => noise(spoiled, rng), tokens),
        tokens,
      ),
    loss: (logits, example) => weightedCrossEntropy("denoising", logits, example),
  };
}
