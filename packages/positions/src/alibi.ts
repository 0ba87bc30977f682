import { abs, cast, expandDims, fromArray, multiply, reshape, ShapeError, type Tensor } from "@heed/tensor";
import { distances, expectPositiveCount } from "./distances.ts";
import type { PositionEncoding } from "./position-encoding.ts";

/** Slopes 2^(-8 / n), 2^(-16 / n), ... of a power of two. */
const geometric = (n: number): number[] => Array.from({ length: n }, (_, i) => 2 ** ((-8 * (i + 1)) / n));

/**
 * The slopes of ALiBi's heads: 2^(-8/n), 2^(-16/n), ...
 *
 * Where n is no power of two: those of the power below, then every second one of the power above (paper's code, BLOOM); with
 * order "mpt" every second one of the power above first, then those between (MPT).
 *
 * @throws RangeError if numHeads is not a whole number >= 1
 * @see Press, Smith and Lewis 2021, Train Short, Test Long, section 3, arXiv:2108.12409.
 * @example
 * alibiSlopes(2); // [0.0625, 0.00390625]
 */
export function alibiSlopes(
  numHeads: number,
  { order = "paper" }: { readonly order?: "paper" | "mpt" } = {},
): readonly number[] {
  expectPositiveCount("alibiSlopes", "numHeads", numHeads);
  const below = 2 ** Math.floor(Math.log2(numHeads));
  if (below === numHeads) return geometric(numHeads);
  const above = geometric(2 * below);
  const pick = (rest: number): number[] => above.filter((_, i) => i % 2 === rest);
  return [...(order === "mpt" ? pick(1) : geometric(below)), ...pick(0)].slice(0, numHeads);
}

/**
 * A penalty that grows with distance, steeper in some heads: bias(i, j) = -slope |i - j|.
 *
 * Shapes: bias -> [1 or B, H, T, S]. DTypes: float32, or `dtype`.
 *
 * @param options.slopes one number for each head; default `alibiSlopes(numHeads)`
 * @throws RangeError if numHeads is not a whole number >= 1; ShapeError if slopes has another length
 * @see Press, Smith and Lewis 2021, Train Short, Test Long, section 3, arXiv:2108.12409. Differs: also penalizes later
 *   keys, so that it serves bidirectional attention; BLOOM and MPT add a constant to each row, which softmax cancels.
 * @example
 * const position = alibi({ numHeads: 4 });
 */
export function alibi({
  numHeads,
  slopes: given,
  dtype = "float32",
}: {
  readonly numHeads: number;
  readonly slopes?: readonly number[];
  readonly dtype?: "float32" | "float64";
}): PositionEncoding {
  expectPositiveCount("alibi", "numHeads", numHeads);
  const slopes = given ?? alibiSlopes(numHeads);
  if (slopes.length !== numHeads)
    throw new ShapeError(`alibi: slopes has ${slopes.length} numbers, expected ${numHeads} (from numHeads)`);
  return {
    bias(queryPositions, keyPositions): Tensor {
      const between = distances(queryPositions, keyPositions);
      const batched = between.shape.length === 2 ? expandDims(between, 0) : between;
      const far = expandDims(abs(cast(batched, dtype)), 1);
      const { backend } = queryPositions;
      const negative = fromArray(
        Float64Array.from(slopes, (slope) => -slope),
        [numHeads],
        { dtype, backend },
      );
      return multiply(reshape(negative, [1, numHeads, 1, 1]), far);
    },
  };
}
