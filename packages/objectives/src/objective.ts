import type { Mask } from "@heed/attention";
import type { Rng, Tensor } from "@heed/tensor";

/** One prepared sequence, or several of equal length in a row. Plain arrays of equal length, one entry per position. */
export interface Example {
  /** ids the model reads */
  readonly inputs: Int32Array;
  /** ids it should predict at the same places */
  readonly targets: Int32Array;
  /** weight of each place in the mean loss; 0 leaves it out */
  readonly lossWeights: Float32Array;
}

/** What a model learns from plain sequences. */
export interface Objective {
  /** who may see whom */
  readonly mask: Mask;
  /** Number of tokens `prepare` needs for inputs of length T. */
  tokensFor(T: number): number;
  /** Makes an example of a sequence: corrupts it, says what to predict and where it counts. The sequence is not changed. */
  prepare(tokens: Int32Array, rng: Rng): Example;
  /** Mean loss in nats, weighted; 0 where every weight is 0. Shapes: logits [B, T, V], example of B * T places -> []. */
  loss(logits: Tensor, example: Example): Tensor;
}

/**
 * Examples of equal length in a row, as one: a batch.
 *
 * @throws RangeError if there are none or their lengths differ
 */
export function stackExamples(examples: readonly Example[]): Example {
  const length = examples[0]?.inputs.length;
  if (length === undefined)
    throw new RangeError("stackExamples: examples is empty, expected at least one example, got none");
  examples.forEach(({ inputs }, i) => {
    if (inputs.length !== length)
      throw new RangeError(
        `stackExamples: examples[${i}] has ${inputs.length} places, expected ${length} (from examples[0]). Cut or pad them to one length`,
      );
  });
  const size = length * examples.length;
  const stacked = { inputs: new Int32Array(size), targets: new Int32Array(size), lossWeights: new Float32Array(size) };
  examples.forEach((example, i) => {
    stacked.inputs.set(example.inputs, i * length);
    stacked.targets.set(example.targets, i * length);
    stacked.lossWeights.set(example.lossWeights, i * length);
  });
  return stacked;
}
