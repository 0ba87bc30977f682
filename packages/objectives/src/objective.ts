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

/**
 * What a model learns: from plain data (a sequence, a pair, an image, something with its label) to an example in plain
 * arrays, and from what the model says to a loss.
 *
 * @typeParam Source one item of the data
 * @typeParam E what is prepared of it; several become a batch by `stackExamples`
 * @typeParam Output what the model says: logits, or a record of tensors where it has several heads
 */
export interface Objective<Source = Int32Array, E = Example, Output = Tensor> {
  /** who may see whom */
  readonly mask: Mask;
  /** The mask of these very examples, where it depends on them; it then stands for `mask`. */
  maskFor?(example: E): Mask;
  /** Makes an example: corrupts the source, says what to predict and where it counts. The source is not changed. */
  prepare(source: Source, rng: Rng): E;
  /** Mean loss, weighted; 0 where every weight is 0. A scalar; in nats unless said otherwise. */
  loss(output: Output, example: E): Tensor;
}

/** An objective on sequences of tokens. Shapes of loss: logits [B, T, V], example of B * T places -> []. */
export interface SequenceObjective<E = Example> extends Objective<Int32Array, E> {
  /** Number of tokens `prepare` needs for inputs of length T. */
  tokensFor(T: number): number;
}
