import { causal, full } from "@heed/attention";
import { keepMask } from "../inputs/keep-mask.ts";
import { weightedCrossEntropy } from "../weighted-cross-entropy.ts";
import { checkLayout, fillSeq2Seq, type Seq2SeqLayout } from "./layout.ts";
import type { EncoderDecoderObjective } from "./objective.ts";

/** A text and what it should become: its translation, its summary. */
export interface TextPair {
  readonly source: Int32Array;
  readonly target: Int32Array;
}

/** Options of {@link seq2seq}. */
export interface Seq2SeqOptions extends Seq2SeqLayout {
  /** share of each target that is spread evenly over all classes, in [0, 1); default 0. The paper has 0.1 */
  readonly labelSmoothing?: number;
}

/**
 * Turn one sequence into another, each token from the source and the right ones before it (teacher forcing).
 *
 * Shapes: prepare a pair -> sourceLength inputs, targetLength decoder inputs and targets, both padded behind an end id;
 * loss logits [B, targetLength, V] -> []. With smoothing the least loss is the entropy of a smoothed target, not 0.
 *
 * @throws RangeError for smoothing or lengths out of range; from `prepare` for texts that are empty or too long
 * @see Vaswani et al. 2017, Attention Is All You Need, sections 3.1 and 5.4, arXiv:1706.03762.
 * @example
 * const objective = seq2seq({ sourceLength: 4, targetLength: 3, startId: 1, endId: 2, paddingId: 0, labelSmoothing: 0.1 });
 * const { inputs, decoderInputs, targets } = objective.prepare({ source: Int32Array.of(7, 8), target: Int32Array.of(9) }, rng(0));
 * // 7 8 2 0, 1 9 2, 9 2 0
 */
export function seq2seq(options: Seq2SeqOptions): EncoderDecoderObjective<TextPair> {
  const { labelSmoothing = 0, sourceLength } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing < 1))
    throw new RangeError(`seq2seq: labelSmoothing is out of range, expected a number in [0, 1), got ${labelSmoothing}`);
  checkLayout("seq2seq", options);
  return {
    mask: full(),
    maskFor: ({ keep }) => keepMask(keep, sourceLength),
    decoderMask: causal(),
    prepare: ({ source, target }) => fillSeq2Seq("seq2seq", options, source, target),
    loss: (logits, example) => weightedCrossEntropy("seq2seq", logits, example, { labelSmoothing }),
  };
}
