import { causal, type Mask } from "@heed/attention";
import { add, multiply, negate, type Tensor } from "@heed/tensor";
import type { SequenceObjective } from "./objective.ts";
import { weightedCrossEntropy } from "./weighted-cross-entropy.ts";

/** A sequence to read from both sides, and the neighbors to predict. */
export interface BidirectionalExample {
  readonly inputs: Int32Array;
  /** the token behind each place; at the last place nothing counts */
  readonly nextTokens: Int32Array;
  readonly nextWeights: Float32Array;
  /** the token before each place; at the first place nothing counts */
  readonly previousTokens: Int32Array;
  readonly previousWeights: Float32Array;
}

/** What two directions say, each of which has read only its side. Shapes: [B, T, V] each. */
export interface BidirectionalLogits {
  readonly forward: Tensor;
  readonly backward: Tensor;
}

/** An objective with a mask for each direction. `mask` is the forward one. */
export interface BidirectionalObjective extends Omit<SequenceObjective<BidirectionalExample>, "loss"> {
  /** who may see whom in the backward direction: keys at a query's own and at later positions */
  readonly backwardMask: Mask;
  /** the mean of both directions' losses */
  loss(output: BidirectionalLogits, example: BidirectionalExample): Tensor;
}

/**
 * Two language models in one: predict each token from those before it, and each from those behind it (ELMo).
 *
 * The directions share nothing but embedding and output, so that neither sees what it predicts.
 *
 * Shapes: prepare T tokens -> T inputs and T targets each way; loss logits [B, T, V] twice -> [].
 *
 * @throws RangeError from `prepare` if there are fewer than 2 tokens
 * @see Peters et al. 2018, Deep Contextualized Word Representations, section 3.1, arXiv:1802.05365. Differs: the mean of
 *   the two losses instead of their sum.
 * @example
 * const { nextTokens, previousTokens } = bidirectionalLM().prepare(Int32Array.of(5, 6, 7), rng(0)); // 6 7 7, 5 5 6
 */
export function bidirectionalLM(): BidirectionalObjective {
  const forward = causal();
  return {
    mask: forward,
    backwardMask: (queryPositions, keyPositions) => forward(negate(queryPositions), negate(keyPositions)),
    tokensFor: (T) => T,
    prepare(tokens) {
      const T = tokens.length;
      if (T < 2)
        throw new RangeError(
          `bidirectionalLM: tokens has length ${T}, expected at least 2, one to read and one to predict`,
        );
      const [nextTokens, previousTokens] = [tokens.slice(), tokens.slice()];
      nextTokens.copyWithin(0, 1);
      previousTokens.copyWithin(1, 0);
      return {
        inputs: tokens.slice(),
        nextTokens,
        nextWeights: new Float32Array(T).fill(1, 0, T - 1),
        previousTokens,
        previousWeights: new Float32Array(T).fill(1, 1),
      };
    },
    loss(output, { nextTokens, nextWeights, previousTokens, previousWeights }) {
      const next = { targets: nextTokens, lossWeights: nextWeights };
      const previous = { targets: previousTokens, lossWeights: previousWeights };
      const ahead = weightedCrossEntropy("bidirectionalLM", output.forward, next);
      return multiply(add(ahead, weightedCrossEntropy("bidirectionalLM", output.backward, previous)), 0.5);
    },
  };
}
