import {
  add,
  bindShapes,
  type DType,
  formatShape,
  full,
  multiply,
  reshape,
  ShapeError,
  slice,
  softmax,
  type Tensor,
} from "@heed/tensor";

/**
 * A learned average of layers: scale * sum_i softmax(weights)_i layer_i.
 *
 * Shapes: weights [L], scale [1]; L tensors of one shape -> that shape.
 * @see Peters et al. 2018, Deep contextualized word representations, equation 1, arXiv:1802.05365.
 */
export class ScalarMix {
  readonly weights: Tensor;
  readonly scale: Tensor;

  /** @throws ShapeError if weights is not [L] or scale not [1] */
  constructor(weights: Tensor, scale: Tensor) {
    bindShapes("ScalarMix", { weights: [weights, "L"], scale: [scale, "1"] });
    this.weights = weights;
    this.scale = scale;
  }

  /** @throws RangeError if there is not one layer for each weight; ShapeError if their shapes differ */
  forward(layers: readonly Tensor[]): Tensor {
    const count = this.weights.shape[0]!;
    if (layers.length !== count)
      throw new RangeError(`ScalarMix: layers has ${layers.length} tensors, expected ${count} (one for each weight)`);
    const shape = formatShape(layers[0]!.shape);
    const other = layers.findIndex((layer) => formatShape(layer.shape) !== shape);
    if (other >= 0)
      throw new ShapeError(
        `ScalarMix: layers[${other}] has shape ${formatShape(layers[other]!.shape)}, expected ${shape} (from layers[0])`,
      );
    const shares = softmax(this.weights);
    const parts = layers.map((layer, i) => multiply(layer, reshape(slice(shares, [i], [1]), [])));
    return multiply(
      parts.reduce((sum, part) => add(sum, part)),
      reshape(this.scale, []),
    );
  }
}

/**
 * A scalar mix that starts as the plain average of `numLayers` layers, times 1.
 *
 * @param options.dtype default float32
 * @example
 * const mix = createScalarMix({ numLayers: 3 });
 */
export function createScalarMix({
  numLayers,
  dtype = "float32",
}: {
  readonly numLayers: number;
  readonly dtype?: DType;
}): ScalarMix {
  return new ScalarMix(full([numLayers], 0, { dtype }), full([1], 1, { dtype }));
}
