import { causal } from "@heed/attention";
import type { SequenceObjective } from "./objective.ts";
import { weightedCrossEntropy } from "./weighted-cross-entropy.ts";

/** Options of {@link causalLM}. */
export interface CausalLMOptions {
  /** id that fills sequences up; predicting it does not count. Default none */
  readonly paddingId?: number;
}

/**
 * Predict each token from those before it.
 *
 * Shapes: prepare T + 1 tokens -> T inputs, T targets one place on; loss logits [B, T, V] -> [].
 *
 * @throws RangeError from `prepare` if there are fewer than 2 tokens
 * @see Radford et al. 2018, Improving Language Understanding by Generative Pre-Training, section 3.1, equation 1.
 *   Differs: the mean in nats instead of the sum.
 * @example
 * const objective = causalLM();
 * objective.prepare(Int32Array.of(5, 6, 7), rng(0)); // inputs 5 6, targets 6 7
 */
export function causalLM({ paddingId }: CausalLMOptions = {}): SequenceObjective {
  return {
    mask: causal(),
    tokensFor: (T) => T + 1,
    prepare(tokens) {
      if (tokens.length < 2)
        throw new RangeError(
          `causalLM: tokens has length ${tokens.length}, expected at least 2, one to read and one to predict`,
        );
      const targets = tokens.slice(1);
      return {
        inputs: tokens.slice(0, -1),
        targets,
        lossWeights: Float32Array.from(targets, (id) => (id === paddingId ? 0 : 1)),
      };
    },
    loss: (logits, example) => weightedCrossEntropy("causalLM", logits, example),
  };
}
