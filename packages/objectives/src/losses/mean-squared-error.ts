import { multiply, subtract, type Tensor } from "@heed/tensor";
import { type LossOptions, reduceLosses } from "./reduce-losses.ts";
import { expectSameShape } from "./same-shape.ts";

/**
 * (x - targets)^2.
 *
 * Shapes: x [...], targets [...] -> [], or [...] with reduction "none". DTypes: float, both equal.
 *
 * @throws ShapeError if the shapes differ
 * @see Goodfellow et al. 2016, Deep Learning, section 5.1.4. As torch's mse_loss.
 * @example
 * meanSquaredError(tensor([1, 2]), tensor([1, 4])); // 2
 */
export function meanSquaredError(x: Tensor, targets: Tensor, { reduction = "mean" }: LossOptions = {}): Tensor {
  expectSameShape("meanSquaredError", ["x", x], ["targets", targets]);
  const errors = subtract(x, targets);
  return reduceLosses("meanSquaredError", multiply(errors, errors), reduction);
}
