import { add, type Tensor } from "@heed/tensor";
import { checkMaskedLM, type MaskedLMOptions, maskTokens } from "./masked-lm.ts";
import type { Objective } from "./objective.ts";
import { weightedCrossEntropy } from "./weighted-cross-entropy.ts";

/** What was there behind masks, beside what another objective asks. Entries per place of the inputs. */
export interface MaskedTargets {
  readonly maskedTargets: Int32Array;
  readonly maskedWeights: Float32Array;
}

/** What two heads say. */
export interface MaskedHeads {
  /** of every place, [B, T, V], or of those that count alone, [N, V] (`countedPlaces` of `maskedWeights`) */
  readonly tokens: Tensor;
  /** as the other objective takes them */
  readonly other: Tensor;
}

/**
 * Another objective on one row of ids, with masked tokens to predict beside it: the sum of both losses, as BERT and ALBERT
 * are trained.
 *
 * Shapes: loss `tokens` [B, T, V] or [N, V] and `other` -> [].
 *
 * @param options must name the ids of class, separator and padding as special
 * @throws RangeError for rates out of range; from `prepare` if there is nothing to predict
 * @see Devlin et al. 2019, BERT, appendix A.2, arXiv:1810.04805.
 * @example
 * const order = sentenceOrderPrediction({ length: 7, classId: 1, separatorId: 2, paddingId: 0 });
 * const objective = withMaskedLM(order, { vocabSize: 100, maskId: 4, specialIds: [0, 1, 2] });
 */
export function withMaskedLM<Source, E extends { readonly inputs: Int32Array }>(
  objective: Objective<Source, E>,
  options: MaskedLMOptions,
): Objective<Source, E & MaskedTargets, MaskedHeads> {
  checkMaskedLM("withMaskedLM", options);
  return {
    mask: objective.mask,
    ...(objective.maskFor && { maskFor: (example: E) => objective.maskFor!(example) }),
    prepare(source, rng) {
      const example = objective.prepare(source, rng);
      const { inputs, targets, lossWeights } = maskTokens("withMaskedLM", example.inputs, options, rng);
      return { ...example, inputs, maskedTargets: targets, maskedWeights: lossWeights };
    },
    loss({ tokens, other }, example) {
      const masked = { targets: example.maskedTargets, lossWeights: example.maskedWeights };
      return add(objective.loss(other, example), weightedCrossEntropy("withMaskedLM", tokens, masked));
    },
  };
}
