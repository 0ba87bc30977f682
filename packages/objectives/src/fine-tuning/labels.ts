import { bindShapes, reshape, type Tensor } from "@heed/tensor";
import { weightedCrossEntropy } from "../weighted-cross-entropy.ts";

/** The label of an item, or a place, that does not count. */
export const ignoredLabel = -100;

/** @throws RangeError if there is no choice between classes */
export function checkNumClasses(where: string, numClasses: number, argument = "numClasses"): void {
  if (!Number.isSafeInteger(numClasses) || numClasses < 2)
    throw new RangeError(`${where}: ${argument} is out of range, expected a whole number >= 2, got ${numClasses}`);
}

/** @throws RangeError if a label is neither a class nor the one that is ignored */
export function checkLabel(where: string, label: number, numClasses: number): void {
  if (label === ignoredLabel || (Number.isInteger(label) && label >= 0 && label < numClasses)) return;
  throw new RangeError(
    `${where}: label is no class, expected 0..${numClasses - 1}, or ${ignoredLabel} to ignore it, got ${label}`,
  );
}

/** What an item with one label asks for. */
export interface LabelTargets {
  /** class of each item; 0 where it is ignored */
  readonly targets: Int32Array;
  /** weight of each item in the mean loss; 0 leaves it out */
  readonly lossWeights: Float32Array;
}

/** Targets of labels; those that are ignored get weight 0. */
export function labelTargets(where: string, labels: ArrayLike<number>, numClasses: number): LabelTargets {
  const list = Array.from(labels);
  for (const label of list) checkLabel(where, label, numClasses);
  return {
    targets: Int32Array.from(list, (label) => (label === ignoredLabel ? 0 : label)),
    lossWeights: Float32Array.from(list, (label) => (label === ignoredLabel ? 0 : 1)),
  };
}

/** Mean cross-entropy of logits [B, C], one row for each item. */
export function rowCrossEntropy(where: string, logits: Tensor, example: LabelTargets): Tensor {
  const { B, C } = bindShapes(where, { logits: [logits, "B C"] });
  return weightedCrossEntropy(where, reshape(logits, [B, 1, C]), example);
}
