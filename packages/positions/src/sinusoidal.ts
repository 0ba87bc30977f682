import { add, cast, concatenate, cos, type DType, fromArray, multiply, reshape, sin, type Tensor } from "@heed/tensor";
import { checkEmbedShapes } from "./learned.ts";
import type { PositionEncoding } from "./position-encoding.ts";

/** Options of {@link sinusoidal}. */
export interface SinusoidalOptions {
  /** the longest wavelength is 2 pi times nearly this, in positions; default 10000 */
  readonly base?: number;
}

/**
 * Fixed sines and cosines of the position, added to the token embedding.
 *
 * PE(p, 2i) = sin(p / base^(2i / E)), PE(p, 2i + 1) = cos(p / base^(2i / E)): interleaved, as the paper has it.
 *
 * Shapes: x [..., T, E] with E even, positions int32 [T] or [B, T] -> as x.
 * DTypes: x float32 or float64; angles are computed in the type of x.
 *
 * @param options.base finite, > 1
 * @throws RangeError if base is not; ShapeError if E is odd
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.5, arXiv:1706.03762.
 * @example
 * const position = sinusoidal();
 */
export function sinusoidal({ base = 10000 }: SinusoidalOptions = {}): PositionEncoding {
  if (!(base > 1 && Number.isFinite(base)))
    throw new RangeError(`sinusoidal: base is out of range, expected a finite number > 1, got ${base}`);
  return {
    embed(x, positions) {
      const dModel = x.shape.at(-1)!;
      checkEmbedShapes("sinusoidal", x, positions, dModel);
      if (dModel % 2 !== 0)
        throw new RangeError(
          `sinusoidal: x has width ${dModel}, expected an even number. Sines and cosines come in pairs`,
        );
      return add(x, table(positions, dModel, base, x.dtype));
    },
  };
}

/** [..., T] -> [..., T, E]. */
function table(positions: Tensor, dModel: number, base: number, dtype: DType): Tensor {
  const frequencies = Float64Array.from({ length: dModel / 2 }, (_, i) => base ** ((-2 * i) / dModel));
  const angles = reshape(
    multiply(
      reshape(cast(positions, dtype), [...positions.shape, 1]),
      fromArray(frequencies, [dModel / 2], { dtype, backend: positions.backend }),
    ),
    [...positions.shape, dModel / 2, 1],
  );
  return reshape(concatenate([sin(angles), cos(angles)], { axis: -1 }), [...positions.shape, dModel]);
}
