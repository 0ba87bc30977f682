import { full } from "@heed/attention";
import { add, multiply, type Tensor } from "@heed/tensor";
import { keepMask } from "../inputs/keep-mask.ts";
import { checkTemplate, fillTemplate, type TextInputs, type TextTemplate } from "../inputs/text-template.ts";
import type { Objective } from "../objective.ts";
import { rowCrossEntropy } from "./labels.ts";

/** A question, a text, and the places of the text's first and last token of the answer; without one the text has no answer. */
export interface AnsweredQuestion {
  readonly question: Int32Array;
  readonly context: Int32Array;
  readonly answer?: { readonly first: number; readonly last: number } | undefined;
}

/** A question with its text to read, and where the answer begins and ends in the row; both 0, the class place, for no answer. */
export interface AnswerSpanExample extends TextInputs {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** weight of each start in the mean loss of starts; 0 leaves it out, as where the text was cut before it */
  readonly startWeights: Float32Array;
  /** weight of each end in the mean loss of ends */
  readonly endWeights: Float32Array;
}

/** What a model says of each place of each row. Shapes: [B, length] each. */
export interface SpanLogits {
  readonly start: Tensor;
  readonly end: Tensor;
}

/**
 * Find where a text answers a question: its first and last token, or that it does not, which is told by the class place.
 *
 * The loss is the mean of the cross-entropies of the first and of the last place, over all places of the row.
 *
 * Shapes: prepare question and text -> `length` inputs, the question in segment 0, one start, one end; loss logits
 * [B, length] twice -> [].
 *
 * @throws RangeError for texts that do not fit; from `prepare` for an answer outside the text
 * @see Devlin et al. 2019, BERT, sections 4.2 and 4.3, arXiv:1810.04805; Rajpurkar et al. 2018, SQuAD 2.0, arXiv:1806.03822.
 * @example
 * const objective = answerSpan({ length: 8, classId: 1, separatorId: 2, paddingId: 0 });
 * const item = { question: Int32Array.of(7), context: Int32Array.of(8, 9, 5), answer: { first: 1, last: 2 } };
 * const { starts, ends } = objective.prepare(item, rng(0)); // 4, 5
 */
export function answerSpan(template: TextTemplate): Objective<AnsweredQuestion, AnswerSpanExample, SpanLogits> {
  checkTemplate("answerSpan", template);
  return {
    mask: full(),
    maskFor: ({ keep }) => keepMask(keep, template.length),
    prepare({ question, context, answer }) {
      const { row, secondAt } = fillTemplate("answerSpan", template, question, context);
      if (answer) checkAnswer(answer, context.length);
      return {
        ...row,
        starts: Int32Array.of(answer ? secondAt + answer.first : 0),
        ends: Int32Array.of(answer ? secondAt + answer.last : 0),
        startWeights: Float32Array.of(1),
        endWeights: Float32Array.of(1),
      };
    },
    loss({ start, end }, { starts, ends, startWeights, endWeights }) {
      const first = rowCrossEntropy("answerSpan", start, { targets: starts, lossWeights: startWeights });
      const last = rowCrossEntropy("answerSpan", end, { targets: ends, lossWeights: endWeights });
      return multiply(add(first, last), 0.5);
    },
  };
}

function checkAnswer({ first, last }: { readonly first: number; readonly last: number }, length: number): void {
  if (Number.isInteger(first) && Number.isInteger(last) && first >= 0 && first <= last && last < length) return;
  throw new RangeError(
    `answerSpan: answer is not in the text, expected 0 <= first <= last < ${length}, got first ${first}, last ${last}. Leave it out for no answer`,
  );
}
