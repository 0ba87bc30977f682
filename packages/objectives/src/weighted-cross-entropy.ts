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
import { countedPlaces } from "./counted-places.ts";
import type { Example } from "./objective.ts";
import { weightedMean } from "./weighted-mean.ts";

/**
 * Mean cross-entropy of logits over the places of an example, each by its weight; 0 where all weights are 0.
 *
 * @param logits [B, T, V], or [N, V] of the N places that count alone, in their order
 * @throws ShapeError if the example has another number of places than the logits
 */
export function weightedCrossEntropy(
  where: string,
  logits: Tensor,
  { targets, lossWeights }: Pick<Example, "targets" | "lossWeights">,
  options: Pick<CrossEntropyOptions, "labelSmoothing"> = {},
): Tensor {
  if (logits.shape.length === 2) {
    const places = countedPlaces(lossWeights);
    const { N } = bindShapes(where, { logits: [logits, "N V"] });
    if (N !== places.length)
      throw new ShapeError(
        `${where}: logits has shape ${formatShape(logits.shape)}, expected ${places.length} rows (from the places of the example that count) or [B, T, V]. countedPlaces lists them`,
      );
    const ids = fromArray(
      places.map((place) => targets[place]!),
      [N],
      { dtype: "int32", backend: logits.backend },
    );
    const weights = Float32Array.from(places, (place) => lossWeights[place]!);
    return weightedMean(crossEntropy(logits, ids, { ...options, reduction: "none" }), weights);
  }
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
