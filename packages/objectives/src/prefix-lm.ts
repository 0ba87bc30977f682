import { causal, or, prefix } from "@heed/attention";
import { fromArray } from "@heed/tensor";
import type { Example, SequenceObjective } from "./objective.ts";
import { weightedCrossEntropy } from "./weighted-cross-entropy.ts";

/** A sequence whose beginning is read as a whole. */
export interface PrefixExample extends Example {
  /** tokens of each sequence's prefix, whose places all see each other */
  readonly prefixLens: Int32Array;
}

/**
 * Predict each token behind a prefix from the whole prefix and the tokens since.
 *
 * The prefix of T + 1 tokens has 1 to T of them, each number as likely. Within it nothing is predicted: its places see
 * each other.
 *
 * Shapes: prepare T + 1 tokens -> T inputs, T targets one place on; loss logits [B, T, V] -> [].
 *
 * @throws RangeError from `prepare` if there are fewer than 2 tokens
 * @see Raffel et al. 2020, T5, sections 3.2.1 and 3.2.3, arXiv:1910.10683; Dong et al. 2019, UniLM, arXiv:1905.03197.
 * @example
 * const objective = prefixLM();
 * const { prefixLens, lossWeights } = objective.prepare(Int32Array.of(5, 6, 7, 8), rng(0));
 */
export function prefixLM(): SequenceObjective<PrefixExample> {
  return {
    mask: causal(),
    maskFor:
      ({ prefixLens }) =>
      (queryPositions, keyPositions) => {
        const prefixLen = fromArray(prefixLens, [prefixLens.length], { backend: queryPositions.backend });
        return or(causal(), prefix({ prefixLen }))(queryPositions, keyPositions);
      },
    tokensFor: (T) => T + 1,
    prepare(tokens, rng) {
      const T = tokens.length - 1;
      if (T < 1)
        throw new RangeError(
          `prefixLM: tokens has length ${tokens.length}, expected at least 2, one to read and one to predict`,
        );
      const prefixLen = 1 + rng.nextInteger(T);
      return {
        inputs: tokens.slice(0, -1),
        targets: tokens.slice(1),
        lossWeights: new Float32Array(T).fill(1, prefixLen - 1),
        prefixLens: Int32Array.of(prefixLen),
      };
    },
    loss: (logits, example) => weightedCrossEntropy("prefixLM", logits, example),
  };
}
