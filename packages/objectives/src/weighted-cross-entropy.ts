import {
  bindShapes,
  type CrossEntropyOptions,
  crossEntropy,
  formatShape,
  fromArray,
  reshape,
  ShapeError,
  type Tensor,
} from "@heed/tensor";
import type { Example } from "./objective.ts";
import { weightedMean } from "./weighted-mean.ts";

/**
 * Mean cross-entropy of logits [B, T, V] over the places of an example, each by its weight; 0 where all weights are 0.
 *
 * @throws ShapeError if the example has another number of places than the logits
 */
export function weightedCrossEntropy(
  where: string,
  logits: Tensor,
  { targets, lossWeights }: Pick<Example, "targets" | "lossWeights">,
  options: Pick<CrossEntropyOptions, "labelSmoothing"> = {},
): Tensor {
  const { B, T, V } = bindShapes(where, { logits: [logits, "B T V"] });
  if (targets.length !== B * T) {
    throw new ShapeError(
      `${where}: example has ${targets.length} places, expected ${B * T} (from logits ${formatShape(logits.shape)}). Stack as many examples as the batch has rows`,
    );
  }
  const { backend } = logits;
  const flat = reshape(logits, [B * T, V]);
  const ids = fromArray(targets, [B * T], { dtype: "int32", backend });
  if (lossWeights.every((weight) => weight === 1)) return crossEntropy(flat, ids, options);
  return weightedMean(crossEntropy(flat, ids, { ...options, reduction: "none" }), lossWeights);
}
