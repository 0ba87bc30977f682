import { add, equal, log, multiply, select, sum, type Tensor } from "@heed/tensor";
import { softCrossEntropy } from "./soft-cross-entropy.ts";

/**
 * Divergence KL(target || softmax(logits)) of each row: the nats that coding by the model costs beyond coding by the target.
 *
 * Shapes: logits [..., V], targetProbs [..., V] -> [...], one a row. DTypes: float, both equal.
 * Numerics: 0 log 0 is 0.
 *
 * @throws ShapeError if the shapes differ
 * @see Kullback and Leibler 1951, On Information and Sufficiency. The mean of it is torch's kl_div of log_softmax(logits) with "batchmean".
 * @example
 * klDivergence(tensor([[0, 0]]), tensor([[0.5, 0.5]])); // [0]
 */
export function klDivergence(logits: Tensor, targetProbs: Tensor): Tensor {
  const cost = softCrossEntropy(logits, targetProbs);
  const logs = log(select(equal(targetProbs, 0), 1, targetProbs));
  return add(cost, sum(multiply(targetProbs, logs), { axes: -1 }));
}
