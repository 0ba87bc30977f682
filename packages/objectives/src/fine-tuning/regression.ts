import { full } from "@heed/attention";
import { bindShapes, fromArray, mean, type Tensor } from "@heed/tensor";
import { keepMask } from "../inputs/keep-mask.ts";
import { checkTemplate, fillTemplate, type TextInputs, type TextTemplate } from "../inputs/text-template.ts";
import { meanSquaredError } from "../losses/mean-squared-error.ts";
import type { Objective } from "../objective.ts";
import { weightedMean } from "../weighted-mean.ts";
import { expectPlaces } from "./expect-places.ts";

/** A text with numbers to predict; `undefined` where they are not known: it does not count. */
export interface RatedText {
  readonly tokens: Int32Array;
  readonly values: readonly number[] | undefined;
}

/** A text to read and numbers to predict. */
export interface RegressionExample extends TextInputs {
  /** numValues for each text */
  readonly targets: Float32Array;
  /** weight of each text in the mean loss */
  readonly lossWeights: Float32Array;
}

/** Options of {@link regression}. */
export interface RegressionOptions extends TextTemplate {
  /** numbers for each text; default 1 */
  readonly numValues?: number;
}

/**
 * Predict numbers of a text, such as how similar two sentences are.
 *
 * Shapes: prepare a text -> `length` inputs, numValues targets; loss predictions [B, N] -> [], the mean squared error, in
 * the square of the values' unit, not in nats.
 *
 * @throws RangeError for a text that does not fit; from `prepare` for another number of values, or one that is not finite
 * @see Devlin et al. 2019, BERT, section 4.1 (STS-B), arXiv:1810.04805; as Hugging Face's problem type regression.
 * @example
 * const objective = regression({ length: 5, classId: 1, separatorId: 2, paddingId: 0 });
 * objective.prepare({ tokens: Int32Array.of(7), values: [2.5] }, rng(0)).targets; // 2.5
 */
export function regression(options: RegressionOptions): Objective<RatedText, RegressionExample> {
  const { numValues = 1 } = options;
  if (!Number.isSafeInteger(numValues) || numValues < 1)
    throw new RangeError(`regression: numValues is out of range, expected a whole number >= 1, got ${numValues}`);
  checkTemplate("regression", options);
  return {
    mask: full(),
    maskFor: ({ keep }) => keepMask(keep, options.length),
    prepare({ tokens, values }) {
      if (values && (values.length !== numValues || !values.every(Number.isFinite)))
        throw new RangeError(
          `regression: values is wrong, expected ${numValues} finite numbers, got ${values.join(", ") || "none"}`,
        );
      return {
        ...fillTemplate("regression", options, tokens).row,
        targets: Float32Array.from(values ?? new Array<number>(numValues).fill(0)),
        lossWeights: Float32Array.of(values ? 1 : 0),
      };
    },
    loss(predictions: Tensor, { targets, lossWeights }) {
      const { B, N } = bindShapes("regression", { predictions: [predictions, "B N"] });
      expectPlaces("regression", "targets", targets, B * N, predictions);
      const wanted = fromArray(targets, [B, N], { dtype: predictions.dtype, backend: predictions.backend });
      return weightedMean(mean(meanSquaredError(predictions, wanted, { reduction: "none" }), { axes: 1 }), lossWeights);
    },
  };
}
