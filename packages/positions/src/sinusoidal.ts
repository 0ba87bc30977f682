import { add, cast, concatenate, cos, fromArray, multiply, pad, reshape, sin, type Tensor } from "@heed/tensor";
import { checkEmbedShapes } from "./learned.ts";
import type { PositionEncoding, VectorOptions } from "./position-encoding.ts";

/** Options of {@link sinusoidal}. */
export interface SinusoidalOptions {
  /** the longest wavelength is 2 pi times nearly this, in positions; finite, > 1; default 10000 */
  readonly base?: number;
  /** sines and cosines in turn, as the paper has them, or all sines before all cosines; default interleaved */
  readonly layout?: "interleaved" | "concatenated";
  /**
   * what divides i in base^(-i / d): E / 2, as in the paper, or E / 2 - 1, which makes `base` the longest
   * wavelength exactly, as tensor2tensor and fairseq have it; default paper
   */
  readonly spacing?: "paper" | "tensor2tensor";
}

/** Fixed position vectors whose shifts are linear maps. */
export interface SinusoidalPositions extends PositionEncoding {
  vectors(positions: Tensor, options: VectorOptions): Tensor;
  embed(x: Tensor, positions: Tensor): Tensor;
  /** The matrix A [E, E] with PE(p + k) = A PE(p) for every p: one rotation for each pair of a sine and a cosine. */
  shift(k: number, options: VectorOptions): Tensor;
}

/**
 * Fixed sines and cosines of the position, added to the token embedding.
 *
 * PE(p, 2i) = sin(p w_i), PE(p, 2i + 1) = cos(p w_i) with w_i = base^(-2i / E): interleaved, as the paper has it.
 *
 * Shapes: x [..., T, E] with E even, positions int32 [T] or [B, T] -> as x. The spacing of tensor2tensor also takes an
 * odd E: the last value is then 0.
 * DTypes: x float32 or float64; angles are computed in the type of x.
 *
 * @throws RangeError if an option is out of range, or where a width is odd
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.5, arXiv:1706.03762; the spacing of
 *   tensorflow/tensor2tensor: tensor2tensor/layers/common_attention.py.
 * @example
 * const position = sinusoidal({ layout: "concatenated" });
 */
export function sinusoidal({
  base = 10000,
  layout = "interleaved",
  spacing = "paper",
}: SinusoidalOptions = {}): SinusoidalPositions {
  if (!(base > 1 && Number.isFinite(base)))
    throw new RangeError(`sinusoidal: base is out of range, expected a finite number > 1, got ${base}`);
  const frequencies = (dModel: number, described: string): Float64Array => {
    checkWidth(dModel, described, spacing);
    const half = Math.floor(dModel / 2);
    const last = spacing === "paper" ? half : half - 1;
    return Float64Array.from({ length: half }, (_, i) => base ** -(i / last));
  };
  const vectors = (
    positions: Tensor,
    { dModel, dtype = "float32" }: VectorOptions,
    described = "dModel is",
  ): Tensor => {
    const values = frequencies(dModel, described);
    const w = fromArray(values, [values.length], { dtype, backend: positions.backend });
    const angles = multiply(reshape(cast(positions, dtype), [...positions.shape, 1]), w);
    return arrange(sin(angles), cos(angles), dModel, layout);
  };
  return {
    vectors: (positions, options) => vectors(positions, options),
    embed(x, positions) {
      const dModel = x.shape.at(-1)!;
      checkEmbedShapes("sinusoidal", x, positions, dModel);
      return add(x, vectors(positions, { dModel, dtype: x.dtype }, "x has width"));
    },
    shift: (k, { dModel, dtype = "float32" }) =>
      fromArray(shiftMatrix(frequencies(dModel, "dModel is"), k, dModel, layout), [dModel, dModel], { dtype }),
  };
}

function checkWidth(dModel: number, described: string, spacing: SinusoidalOptions["spacing"]): void {
  if (spacing === "paper" && dModel % 2 !== 0)
    throw new RangeError(
      `sinusoidal: ${described} ${dModel}, expected an even number. Sines and cosines come in pairs`,
    );
  if (spacing !== "paper" && dModel < 4)
    throw new RangeError(
      `sinusoidal: ${described} ${dModel}, expected at least 4 with the spacing of tensor2tensor. It needs two frequencies`,
    );
}

/** sines and cosines [..., E/2] -> [..., E], with a zero where E is odd. */
function arrange(sines: Tensor, cosines: Tensor, dModel: number, layout: SinusoidalOptions["layout"]): Tensor {
  const outer = sines.shape.slice(0, -1);
  const half = sines.shape.at(-1)!;
  const column = [...outer, half, 1];
  const both =
    layout === "interleaved"
      ? reshape(concatenate([reshape(sines, column), reshape(cosines, column)], { axis: -1 }), [...outer, 2 * half])
      : concatenate([sines, cosines], { axis: -1 });
  if (dModel === 2 * half) return both;
  const none = both.shape.map(() => 0);
  return pad(both, none, [...outer.map(() => 0), 1]);
}

/** sin((p + k) w) = cos(k w) sin(p w) + sin(k w) cos(p w), and cos((p + k) w) = cos(k w) cos(p w) - sin(k w) sin(p w). */
function shiftMatrix(
  frequencies: Float64Array,
  k: number,
  dModel: number,
  layout: SinusoidalOptions["layout"],
): Float64Array {
  const matrix = new Float64Array(dModel * dModel);
  frequencies.forEach((w, i) => {
    const [sine, cosine] = layout === "interleaved" ? [2 * i, 2 * i + 1] : [i, i + frequencies.length];
    matrix[sine * dModel + sine] = matrix[cosine * dModel + cosine] = Math.cos(k * w);
    matrix[sine * dModel + cosine] = Math.sin(k * w);
    matrix[cosine * dModel + sine] = -Math.sin(k * w);
  });
  return matrix;
}
