import { multiply, softplus, subtract, type Tensor } from "@heed/tensor";
import { type LossOptions, reduceLosses } from "./reduce-losses.ts";
import { expectSameShape } from "./same-shape.ts";

/**
 * -log of the probability that independent coins, sigmoid of logits each, fall as the targets say.
 *
 * softplus(x) - x t, which is -t log p - (1 - t) log (1 - p) with p = sigmoid(x).
 *
 * Shapes: logits [...], targets [...] -> [], or [...] with reduction "none". DTypes: float, both equal.
 * Numerics: from logits, never log of a probability; does not overflow.
 *
 * @param targets probabilities in [0, 1]
 * @throws ShapeError if the shapes differ
 * @see Goodfellow et al. 2016, Deep Learning, section 6.2.2.2. As torch's binary_cross_entropy_with_logits.
 * @example
 * binaryCrossEntropy(tensor([0, 0]), tensor([0, 1])); // ln 2
 */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor, { reduction = "mean" }: LossOptions = {}): Tensor {
  expectSameShape("binaryCrossEntropy", ["logits", logits], ["targets", targets]);
  return reduceLosses("binaryCrossEntropy", subtract(softplus(logits), multiply(logits, targets)), reduction);
}
