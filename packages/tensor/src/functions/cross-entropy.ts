import { applyOne, expectDType } from "../apply.ts";
import { formatShape, ShapeError } from "../errors.ts";
import { defineFused } from "../operation.ts";
import { add } from "../primitives/add.ts";
import { cast } from "../primitives/cast.ts";
import { divide } from "../primitives/divide.ts";
import { equal } from "../primitives/equal.ts";
import { checkIndices, gather } from "../primitives/gather.ts";
import { multiply } from "../primitives/multiply.ts";
import { negate } from "../primitives/negate.ts";
import { reshape } from "../primitives/reshape.ts";
import { select } from "../primitives/select.ts";
import { sum } from "../primitives/sum.ts";
import { bindShapes, sameShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { logicalNot } from "./logical.ts";
import { mean } from "./mean.ts";
import { matches } from "./one-hot.ts";
import { logSoftmax } from "./softmax.ts";

export interface CrossEntropyAttributes {
  /** share of the target spread evenly over all classes, in [0, 1] */
  readonly labelSmoothing: number;
  /** targets with this value count for nothing */
  readonly ignoreIndex: number;
}

/** -log p of the target of each row [N], from log p [N, V]. By selection: 0 times -Infinity would be NaN. */
const targetLosses = (logProbs: Tensor, targets: Tensor): Tensor =>
  negate(sum(select(matches(targets, logProbs.shape[1]!), logProbs, 0), { axes: 1 }));

const blend = (losses: Tensor, spread: () => Tensor, s: number): Tensor =>
  s === 0 ? losses : add(multiply(losses, 1 - s), multiply(spread(), s));

/** Operands logits [N, V], targets int32 [N], and row weights [N] where there are any. */
export const softmaxCrossEntropyFused = defineFused<CrossEntropyAttributes>({
  name: "softmaxCrossEntropy",
  infer([logits]) {
    const rows = { shape: [logits!.shape[0]!], dtype: logits!.dtype };
    return [rows, rows];
  },
  compose([logits, targets, weights], { labelSmoothing, ignoreIndex }) {
    const logProbs = logSoftmax(logits!);
    const losses = blend(targetLosses(logProbs, targets!), () => negate(mean(logProbs, { axes: 1 })), labelSmoothing);
    const counted = select(equal(targets!, ignoreIndex), 0, losses);
    return weights ? multiply(counted, weights) : counted;
  },
  backwardOperands: ({ inputs, outputs, outputGradients }) => [...inputs, outputs[1]!, outputGradients[0]!],
});

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions extends Partial<CrossEntropyAttributes> {
  /** weight of each class [V], of the logits' type; "mean" then divides by the sum of the targets' weights */
  readonly weights?: Tensor | undefined;
  /** default "mean", over the targets that count */
  readonly reduction?: "mean" | "sum" | "none";
}

function checkOptions({ labelSmoothing = 0, ignoreIndex = -100, reduction = "mean" }: CrossEntropyOptions): void {
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new RangeError(
      `crossEntropy: labelSmoothing is out of range, expected a number in [0, 1], got ${labelSmoothing}`,
    );
  if (!Number.isInteger(ignoreIndex))
    throw new RangeError(`crossEntropy: ignoreIndex is out of range, expected a whole number, got ${ignoreIndex}`);
  if (!["mean", "sum", "none"].includes(reduction))
    throw new RangeError(`crossEntropy: reduction is unknown, expected mean, sum or none, got ${String(reduction)}`);
}

/**
 * -log of the probability that the softmax of logits gives the targets.
 *
 * Shapes: logits [..., V], targets int32 [...] -> [], or [...] with reduction "none".
 * DTypes: float32 or float64; the result has the logits'.
 * Numerics: from log-softmax, never log of a probability. Every target ignored: "mean" is NaN.
 *
 * @param options.labelSmoothing share of the target spread evenly over the classes, in [0, 1]; default 0
 * @param options.ignoreIndex targets with this value give 0 and no gradient; default -100
 * @throws ShapeError if targets are not shaped like the rows of logits; RangeError if a target is not in 0..V-1
 * @see Szegedy et al. 2015, Rethinking the Inception Architecture, section 7, arXiv:1512.00567. As torch's cross_entropy.
 */
export function crossEntropy(logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): Tensor {
  checkOptions(options);
  const { labelSmoothing = 0, ignoreIndex = -100, weights, reduction = "mean" } = options;
  expectDType("crossEntropy", { logits }, "float32", "float64");
  expectDType("crossEntropy", { targets }, "int32");
  if (weights) expectDType("crossEntropy", { weights }, logits.dtype);
  const { V } = bindShapes("crossEntropy", { logits: [logits, "... V"], ...(weights && { weights: [weights, "V"] }) });
  const rows = logits.shape.slice(0, -1);
  if (!sameShape(rows, targets.shape)) {
    throw new ShapeError(
      `crossEntropy: targets has shape ${formatShape(targets.shape)}, expected ${formatShape(rows)} (from logits ${formatShape(logits.shape)})`,
    );
  }
  checkIndices("crossEntropy", "targets", targets, V, ignoreIndex);
  const flat = reshape(logits, [targets.size, V]);
  const flatTargets = reshape(targets, [targets.size]);
  const attributes = { labelSmoothing, ignoreIndex };
  const ignored = equal(flatTargets, ignoreIndex);
  const rowWeights = weights && gather(weights, select(ignored, 0, flatTargets));
  const losses =
    weights && labelSmoothing > 0
      ? weightedSmoothLosses(flat, flatTargets, weights, rowWeights!, attributes)
      : applyOne(
          softmaxCrossEntropyFused,
          rowWeights ? [flat, flatTargets, rowWeights] : [flat, flatTargets],
          attributes,
        );
  if (reduction === "none") return reshape(losses, rows);
  if (reduction === "sum") return sum(losses);
  return divide(
    sum(losses),
    sum(rowWeights ? select(ignored, 0, rowWeights) : cast(logicalNot(ignored), logits.dtype)),
  );
}

/** With class weights the even share weighs each class too, so no weight of the row stands for both terms. */
function weightedSmoothLosses(
  logits: Tensor,
  targets: Tensor,
  weights: Tensor,
  rowWeights: Tensor,
  { labelSmoothing, ignoreIndex }: CrossEntropyAttributes,
): Tensor {
  const logProbs = logSoftmax(logits);
  const losses = multiply(targetLosses(logProbs, targets), rowWeights);
  const spread = () => negate(mean(multiply(logProbs, weights), { axes: 1 }));
  return select(equal(targets, ignoreIndex), 0, blend(losses, spread, labelSmoothing));
}
