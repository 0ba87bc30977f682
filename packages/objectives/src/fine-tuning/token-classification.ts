import { full } from "@heed/attention";
import { keepMask } from "../inputs/keep-mask.ts";
import { checkTemplate, fillTemplate, type TextInputs } from "../inputs/text-template.ts";
import type { Objective } from "../objective.ts";
import { weightedCrossEntropy } from "../weighted-cross-entropy.ts";
import { checkNumClasses, ignoredLabel, type LabelTargets, labelTargets } from "./labels.ts";
import type { ClassificationOptions } from "./sequence-classification.ts";

/** A text with a class for each token; -100 where it does not count, as for all but the first part of a word. */
export interface TaggedText {
  readonly tokens: Int32Array;
  readonly labels: Int32Array;
}

/** A text to read and the class of each place to tell. */
export interface TokenClassificationExample extends TextInputs, LabelTargets {}

/**
 * Tell the class of each token: names, parts of speech. Special ids and padding do not count.
 *
 * Shapes: prepare a text -> `length` inputs and targets; loss logits [B, length, C] -> []. All labels ignored: loss 0, no gradient.
 *
 * @throws RangeError for a text that does not fit; from `prepare` if there is not one label for each token, or one is no class
 * @see Devlin et al. 2019, BERT, section 5.3 and figure 4 (d), arXiv:1810.04805.
 * @example
 * const objective = tokenClassification({ numClasses: 3, length: 5, classId: 1, separatorId: 2, paddingId: 0 });
 * objective.prepare({ tokens: Int32Array.of(7, 8), labels: Int32Array.of(2, -100) }, rng(0)).lossWeights; // 0 1 0 0 0
 */
export function tokenClassification(options: ClassificationOptions): Objective<TaggedText, TokenClassificationExample> {
  checkNumClasses("tokenClassification", options.numClasses);
  checkTemplate("tokenClassification", options);
  return {
    mask: full(),
    maskFor: ({ keep }) => keepMask(keep, options.length),
    prepare({ tokens, labels }) {
      if (labels.length !== tokens.length)
        throw new RangeError(
          `tokenClassification: labels has length ${labels.length}, expected ${tokens.length} (from tokens). Give ${ignoredLabel} where a token has none`,
        );
      const { row, firstAt } = fillTemplate("tokenClassification", options, tokens);
      const placed = new Int32Array(options.length).fill(ignoredLabel);
      placed.set(labels, firstAt);
      return { ...row, ...labelTargets("tokenClassification", placed, options.numClasses) };
    },
    loss: (logits, example) => weightedCrossEntropy("tokenClassification", logits, example),
  };
}
