import {
  add,
  type DType,
  equal,
  expandDims,
  formatShape,
  fromArray,
  multiply,
  oneHot,
  ShapeError,
  select,
  subtract,
  type Tensor,
} from "@heed/tensor";

/** Options of {@link smoothedTargets}. */
export interface SmoothedTargetsOptions {
  readonly numClasses: number;
  /** probability taken from the label and shared by the others, in [0, 1) */
  readonly smoothing: number;
  /** class that never gets any, such as padding; a row with this label gets no target at all. Default none */
  readonly excludedClass?: number;
  /** default "float32" */
  readonly dtype?: DType;
}

/**
 * Distributions that put 1 - smoothing on the label and share the rest evenly among the other classes.
 *
 * Differs from `crossEntropy`'s labelSmoothing, whose share goes to all classes, the label included: the same
 * distribution with smoothing V / (V - 1) times as large here.
 *
 * Shapes: labels int32 [N] -> [N, numClasses].
 *
 * @throws RangeError if smoothing is outside [0, 1), or no other class is left to share it
 * @see Szegedy et al. 2015, Rethinking the Inception Architecture, section 7, arXiv:1512.00567. Without excludedClass as
 *   fairseq's label_smoothed_nll_loss; with padding excluded as The Annotated Transformer.
 * @example
 * smoothedTargets(tensor([1], { dtype: "int32" }), { numClasses: 3, smoothing: 0.2 }); // [[0.1, 0.8, 0.1]]
 */
export function smoothedTargets(labels: Tensor, options: SmoothedTargetsOptions): Tensor {
  const { numClasses, smoothing, excludedClass, dtype = "float32" } = options;
  const others = numClasses - (excludedClass === undefined ? 1 : 2);
  if (!(smoothing >= 0 && smoothing < 1))
    throw new RangeError(`smoothedTargets: smoothing is out of range, expected a number in [0, 1), got ${smoothing}`);
  if (smoothing > 0 && others < 1)
    throw new RangeError(
      `smoothedTargets: numClasses is ${numClasses}, expected at least ${numClasses - others + 1}. No class is left to share ${smoothing}`,
    );
  if (labels.shape.length !== 1)
    throw new ShapeError(`smoothedTargets: labels has shape ${formatShape(labels.shape)}, expected [N]`);
  const share = others < 1 ? 0 : smoothing / others;
  const hot = oneHot(labels, numClasses, { dtype });
  const spread = add(multiply(hot, 1 - smoothing - share), share);
  if (excludedClass === undefined) return spread;
  const ignored = expandDims(equal(labels, excludedClass), 1);
  const excluded = oneHot(fromArray(Int32Array.of(excludedClass), [1], { backend: labels.backend }), numClasses, {
    dtype,
  });
  return select(ignored, 0, subtract(spread, multiply(excluded, share)));
}
