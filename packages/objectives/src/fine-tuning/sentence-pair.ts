import { full } from "@heed/attention";
import { keepMask } from "../inputs/keep-mask.ts";
import { checkTemplate, fillTemplate } from "../inputs/text-template.ts";
import type { Objective } from "../objective.ts";
import { checkNumClasses, labelTargets, rowCrossEntropy } from "./labels.ts";
import type { ClassificationExample, ClassificationOptions } from "./sequence-classification.ts";

/** Two texts with the class of how they relate; -100 for none, which does not count. */
export interface LabelledPair {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly label: number;
}

/**
 * Tell how two texts relate: does the first entail, contradict or not concern the second; are they paraphrases.
 *
 * Shapes: prepare two texts -> `length` inputs with segments 0 and 1, one target; loss logits [B, C] -> [].
 * All labels ignored: loss 0, no gradient.
 *
 * @throws RangeError for texts that do not fit; from `prepare` for a label that is no class
 * @see Devlin et al. 2019, BERT, section 4.1 and figure 4 (a), arXiv:1810.04805; Bowman et al. 2015, A large annotated corpus
 *   for learning natural language inference, arXiv:1508.05326.
 * @example
 * const objective = sentencePair({ numClasses: 3, length: 8, classId: 1, separatorId: 2, paddingId: 0 });
 * const pair = { first: Int32Array.of(7), second: Int32Array.of(8, 9), label: 2 };
 * objective.prepare(pair, rng(0)).segments; // 0 0 0 1 1 1 0 0
 */
export function sentencePair(options: ClassificationOptions): Objective<LabelledPair, ClassificationExample> {
  checkNumClasses("sentencePair", options.numClasses);
  checkTemplate("sentencePair", options);
  return {
    mask: full(),
    maskFor: ({ keep }) => keepMask(keep, options.length),
    prepare: ({ first, second, label }) => ({
      ...fillTemplate("sentencePair", options, first, second).row,
      ...labelTargets("sentencePair", [label], options.numClasses),
    }),
    loss: (logits, example) => rowCrossEntropy("sentencePair", logits, example),
  };
}
