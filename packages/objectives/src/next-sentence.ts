import { full } from "@heed/attention";
import { labelTargets, rowCrossEntropy } from "./fine-tuning/labels.ts";
import type { ClassificationExample } from "./fine-tuning/sequence-classification.ts";
import { keepMask } from "./inputs/keep-mask.ts";
import { checkTemplate, fillTemplate, type TextTemplate } from "./inputs/text-template.ts";
import type { Objective } from "./objective.ts";
import { checkRate } from "./rates.ts";

/** A sentence of a document that has one behind it, among all documents. */
export interface SentenceInDocuments {
  /** sentences of each document */
  readonly documents: readonly (readonly Int32Array[])[];
  readonly document: number;
  readonly sentence: number;
}

/** Options of {@link nextSentencePrediction}. */
export interface NextSentenceOptions extends TextTemplate {
  /** share of pairs whose second sentence is from another document, in (0, 1); default 0.5 */
  readonly negativeRate?: number;
}

/**
 * Tell whether the second of two sentences follows the first (class 0) or was drawn from another document (class 1).
 *
 * Shapes: prepare a sentence -> `length` inputs with segments 0 and 1, one target; loss logits [B, 2], of the class place -> [].
 *
 * @throws RangeError for rates out of range; from `prepare` for sentences that do not fit, the last of a document, or if there is
 *   no other document to draw from
 * @see Devlin et al. 2019, BERT, section 3.1 (Task 2), arXiv:1810.04805. Beside masked tokens: `withMaskedLM`.
 * @example
 * const objective = nextSentencePrediction({ length: 8, classId: 1, separatorId: 2, paddingId: 0 });
 * const documents = [[Int32Array.of(7), Int32Array.of(8)], [Int32Array.of(9)]];
 * objective.prepare({ documents, document: 0, sentence: 0 }, rng(0)).inputs; // 1 7 2 8 2 0 0 0, or 9 in place of 8
 */
export function nextSentencePrediction(
  options: NextSentenceOptions,
): Objective<SentenceInDocuments, ClassificationExample> {
  const { negativeRate = 0.5, length } = options;
  checkTemplate("nextSentencePrediction", options);
  checkRate("nextSentencePrediction", "negativeRate", negativeRate);
  return {
    mask: full(),
    maskFor: ({ keep }) => keepMask(keep, length),
    prepare({ documents, document, sentence }, rng) {
      const first = documents[document]?.[sentence];
      const next = documents[document]?.[sentence + 1];
      if (!first || !next)
        throw new RangeError(
          `nextSentencePrediction: sentence ${sentence} of document ${document} has none behind it, expected one with a next. Leave out last sentences`,
        );
      const isOther = (i: number): boolean => i !== document && documents[i]!.length > 0;
      if (!documents.some((_, i) => isOther(i)))
        throw new RangeError(
          `nextSentencePrediction: documents has no other document, expected at least 2 with sentences, got ${documents.length}. There are no negatives to draw`,
        );
      const isNegative = rng.next() < negativeRate;
      // Drawn again until it fits: a list of all that fit would cost a pass over the documents for each example.
      let place = rng.nextInteger(documents.length);
      while (!isOther(place)) place = rng.nextInteger(documents.length);
      const other = documents[place]!;
      const second = isNegative ? other[rng.nextInteger(other.length)]! : next;
      return {
        ...fillTemplate("nextSentencePrediction", options, first, second).row,
        ...labelTargets("nextSentencePrediction", [Number(isNegative)], 2),
      };
    },
    loss: (logits, example) => rowCrossEntropy("nextSentencePrediction", logits, example),
  };
}
