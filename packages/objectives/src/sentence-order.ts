import { full } from "@heed/attention";
import { labelTargets, rowCrossEntropy } from "./fine-tuning/labels.ts";
import type { ClassificationExample } from "./fine-tuning/sequence-classification.ts";
import { keepMask } from "./inputs/keep-mask.ts";
import { checkTemplate, fillTemplate, type TextTemplate } from "./inputs/text-template.ts";
import type { Objective } from "./objective.ts";

/** Two texts that follow each other. */
export interface ConsecutiveTexts {
  readonly first: Int32Array;
  readonly second: Int32Array;
}

/**
 * Tell whether two consecutive texts stand in their order (class 0) or swapped (class 1); either is as likely.
 *
 * Shapes: prepare two texts -> `length` inputs with segments 0 and 1, one target; loss logits [B, 2], of the class place -> [].
 *
 * @throws RangeError from `prepare` for texts that are empty or too long
 * @see Lan et al. 2020, ALBERT, section 3.1 (Inter-sentence coherence loss), arXiv:1909.11942. Beside masked tokens: `withMaskedLM`.
 * @example
 * const objective = sentenceOrderPrediction({ length: 7, classId: 1, separatorId: 2, paddingId: 0 });
 * objective.prepare({ first: Int32Array.of(7), second: Int32Array.of(8) }, rng(0)).inputs; // 1 7 2 8 2 0 0, or 7 and 8 swapped
 */
export function sentenceOrderPrediction(template: TextTemplate): Objective<ConsecutiveTexts, ClassificationExample> {
  checkTemplate("sentenceOrderPrediction", template);
  return {
    mask: full(),
    maskFor: ({ keep }) => keepMask(keep, template.length),
    prepare({ first, second }, rng) {
      const isSwapped = rng.next() < 0.5;
      const [before, behind] = isSwapped ? [second, first] : [first, second];
      return {
        ...fillTemplate("sentenceOrderPrediction", template, before, behind).row,
        ...labelTargets("sentenceOrderPrediction", [Number(isSwapped)], 2),
      };
    },
    loss: (logits, example) => rowCrossEntropy("sentenceOrderPrediction", logits, example),
  };
}
