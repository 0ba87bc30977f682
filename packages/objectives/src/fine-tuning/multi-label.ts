import { full } from "@heed/attention";
import { bindShapes, fromArray, mean, type Tensor } from "@heed/tensor";
import { keepMask } from "../inputs/keep-mask.ts";
import { checkTemplate, fillTemplate, type TextInputs, type TextTemplate } from "../inputs/text-template.ts";
import { binaryCrossEntropy } from "../losses/binary-cross-entropy.ts";
import type { Objective } from "../objective.ts";
import { weightedMean } from "../weighted-mean.ts";
import { expectPlaces } from "./expect-places.ts";

/** A text with all the labels that hold; none may. `undefined` where nobody looked: it does not count. */
export interface MultiLabelledText {
  readonly tokens: Int32Array;
  readonly labels: readonly number[] | undefined;
}

/** A text to read and which labels hold. */
export interface MultiLabelExample extends TextInputs {
  /** 1 for each label that holds, else 0; numLabels for each text */
  readonly targets: Float32Array;
  /** weight of each text in the mean loss */
  readonly lossWeights: Float32Array;
}

/** Options of {@link multiLabel}. */
export interface MultiLabelOptions extends TextTemplate {
  readonly numLabels: number;
}

/**
 * Tell which of several labels hold for a text, each for itself.
 *
 * Shapes: prepare a text -> `length` inputs, numLabels targets; loss logits [B, L] -> [], the mean over texts and labels in nats.
 *
 * @throws RangeError for a text that does not fit; from `prepare` for a label outside 0..numLabels - 1
 * @see Zhang and Zhou 2006, Multilabel Neural Networks; as Hugging Face's problem type multi_label_classification.
 * @example
 * const objective = multiLabel({ numLabels: 3, length: 5, classId: 1, separatorId: 2, paddingId: 0 });
 * objective.prepare({ tokens: Int32Array.of(7), labels: [0, 2] }, rng(0)).targets; // 1 0 1
 */
export function multiLabel(options: MultiLabelOptions): Objective<MultiLabelledText, MultiLabelExample> {
  const { numLabels } = options;
  if (!Number.isSafeInteger(numLabels) || numLabels < 1)
    throw new RangeError(`multiLabel: numLabels is out of range, expected a whole number >= 1, got ${numLabels}`);
  checkTemplate("multiLabel", options);
  return {
    mask: full(),
    maskFor: ({ keep }) => keepMask(keep, options.length),
    prepare({ tokens, labels }) {
      const outside = labels?.find((label) => !(Number.isInteger(label) && label >= 0 && label < numLabels));
      if (outside !== undefined)
        throw new RangeError(`multiLabel: labels has an unknown one, expected 0..${numLabels - 1}, got ${outside}`);
      return {
        ...fillTemplate("multiLabel", options, tokens).row,
        targets: Float32Array.from({ length: numLabels }, (_, label) => Number(labels?.includes(label) ?? false)),
        lossWeights: Float32Array.of(labels ? 1 : 0),
      };
    },
    loss: (logits, example) => multiLabelLoss(logits, example),
  };
}

function multiLabelLoss(logits: Tensor, { targets, lossWeights }: MultiLabelExample): Tensor {
  const { B, L } = bindShapes("multiLabel", { logits: [logits, "B L"] });
  expectPlaces("multiLabel", "targets", targets, B * L, logits);
  const wanted = fromArray(targets, [B, L], { dtype: logits.dtype, backend: logits.backend });
  return weightedMean(mean(binaryCrossEntropy(logits, wanted, { reduction: "none" }), { axes: 1 }), lossWeights);
}
