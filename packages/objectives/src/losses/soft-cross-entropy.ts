import { logSoftmax, multiply, negate, sum, type Tensor } from "@heed/tensor";
import { expectSameShape } from "./same-shape.ts";

/**
 * Cross-entropy against whole distributions: -sum over classes of target probability times log softmax of logits.
 *
 * Shapes: logits [..., V], targetProbs [..., V] -> [...], one loss a row. DTypes: float, both equal.
 * Numerics: finite logits; a row of targets that sums to 0 has loss 0 and no gradient.
 *
 * @throws ShapeError if the shapes differ
 * @see Hinton et al. 2015, Distilling the Knowledge in a Neural Network, section 2, arXiv:1503.02531.
 * @example
 * softCrossEntropy(tensor([[0, 0]]), tensor([[0.25, 0.75]])); // [ln 2]
 */
export function softCrossEntropy(logits: Tensor, targetProbs: Tensor): Tensor {
  expectSameShape("softCrossEntropy", ["logits", logits], ["targetProbs", targetProbs]);
  return negate(sum(multiply(targetProbs, logSoftmax(logits)), { axes: -1 }));
}
