import { full } from "@heed/attention";
import { keepMask } from "../inputs/keep-mask.ts";
import { checkTemplate, fillTemplate, type TextInputs, type TextTemplate } from "../inputs/text-template.ts";
import type { Objective } from "../objective.ts";
import { checkNumClasses, type LabelTargets, labelTargets, rowCrossEntropy } from "./labels.ts";

/** A text with its class, 0, 1, ...; -100 for none, which does not count. */
export interface LabelledText {
  readonly tokens: Int32Array;
  readonly label: number;
}

/** A text to read and the class to tell. */
export interface ClassificationExample extends TextInputs, LabelTargets {}

/** Options of {@link sequenceClassification}. */
export interface ClassificationOptions extends TextTemplate {
  readonly numClasses: number;
}

/**
 * Tell the class of a text: sentiment, topic, language.
 *
 * Shapes: prepare a text -> `length` inputs, one target; loss logits [B, C], of the class place of each row -> [].
 * All labels ignored: loss 0, no gradient.
 *
 * @throws RangeError for a text that does not fit; from `prepare` for a label that is no class
 * @see Devlin et al. 2019, BERT, section 4.1 and figure 4 (b), arXiv:1810.04805.
 * @example
 * const objective = sequenceClassification({ numClasses: 2, length: 8, classId: 1, separatorId: 2, paddingId: 0 });
 * objective.prepare({ tokens: Int32Array.of(7, 8), label: 1 }, rng(0)).inputs; // 1 7 8 2 0 0 0 0
 */
export function sequenceClassification(options: ClassificationOptions): Objective<LabelledText, ClassificationExample> {
  checkNumClasses("sequenceClassification", options.numClasses);
  checkTemplate("sequenceClassification", options);
  return {
    mask: full(),
    maskFor: ({ keep }) => keepMask(keep, options.length),
    prepare: ({ tokens, label }) => ({
      ...fillTemplate("sequenceClassification", options, tokens).row,
      ...labelTargets("sequenceClassification", [label], options.numClasses),
    }),
    loss: (logits, example) => rowCrossEntropy("sequenceClassification", logits, example),
  };
}
