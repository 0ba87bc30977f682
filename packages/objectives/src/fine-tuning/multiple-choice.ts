import { full } from "@heed/attention";
import { keepMask } from "../inputs/keep-mask.ts";
import { checkTemplate, fillTemplate, type TextInputs, type TextTemplate } from "../inputs/text-template.ts";
import type { Objective } from "../objective.ts";
import { checkNumClasses, type LabelTargets, labelTargets, rowCrossEntropy } from "./labels.ts";

/** A question, its possible answers, and the place of the right one; -100 for none, which does not count. */
export interface ChoiceQuestion {
  readonly question: Int32Array;
  readonly choices: readonly Int32Array[];
  readonly label: number;
}

/** A row for each choice, one after the other, and which is right. */
export interface MultipleChoiceExample extends TextInputs, LabelTargets {}

/** Options of {@link multipleChoice}. */
export interface MultipleChoiceOptions extends TextTemplate {
  readonly numChoices: number;
}

/**
 * Pick the right one of several answers: each is read in a row of its own behind the question and gets one score.
 *
 * Shapes: prepare -> numChoices rows of `length` inputs, one target; loss scores [B, numChoices] of B numChoices rows -> [].
 *
 * @throws RangeError for texts that do not fit; from `prepare` for another number of choices or a label that is none of them
 * @see Devlin et al. 2019, BERT, section 4.4 (SWAG), arXiv:1810.04805; Radford et al. 2018, figure 1.
 * @example
 * const objective = multipleChoice({ numChoices: 2, length: 5, classId: 1, separatorId: 2, paddingId: 0 });
 * const item = { question: Int32Array.of(7), choices: [Int32Array.of(8), Int32Array.of(9)], label: 1 };
 * objective.prepare(item, rng(0)).inputs; // 1 7 2 8 2 1 7 2 9 2
 */
export function multipleChoice(options: MultipleChoiceOptions): Objective<ChoiceQuestion, MultipleChoiceExample> {
  const { numChoices, length } = options;
  checkNumClasses("multipleChoice", numChoices, "numChoices");
  checkTemplate("multipleChoice", options);
  return {
    mask: full(),
    maskFor: ({ keep }) => keepMask(keep, length),
    prepare({ question, choices, label }) {
      if (choices.length !== numChoices)
        throw new RangeError(
          `multipleChoice: choices has length ${choices.length}, expected ${numChoices} (numChoices)`,
        );
      const rows = choices.map((choice) => fillTemplate("multipleChoice", options, question, choice).row);
      const joined = (field: keyof TextInputs): Int32Array => {
        const ids = new Int32Array(numChoices * length);
        rows.forEach((row, i) => void ids.set(row[field], i * length));
        return ids;
      };
      return {
        inputs: joined("inputs"),
        segments: joined("segments"),
        keep: joined("keep"),
        ...labelTargets("multipleChoice", [label], numChoices),
      };
    },
    loss: (scores, example) => rowCrossEntropy("multipleChoice", scores, example),
  };
}
