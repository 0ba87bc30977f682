import { add, fromArray, gather, ShapeError, type Tensor } from "@heed/tensor";
import { expectPositiveCount } from "./distances.ts";
import { checkEmbedShapes, checkRange } from "./learned.ts";
import type { PositionEncoding, VectorOptions } from "./position-encoding.ts";

/** Options of {@link sinusoidal2d}. */
export interface Sinusoidal2dOptions {
  /** rows and columns of patches */
  readonly grid: readonly [number, number];
  /** tokens before the patches (class token), which get zeros; default 0 */
  readonly numPrefix?: number;
  /** default 10000 */
  readonly base?: number;
}

/**
 * Fixed sines and cosines of a patch's column and row, for patches in row-major order.
 *
 * The first half of a vector is of the column, the second of the row; each half is sines, then cosines, with
 * frequencies base^(-i / (E / 4)).
 *
 * Shapes: vectors of positions int32 [T] or [B, T] -> [T, E] or [B, T, E], E a multiple of 4.
 *
 * @throws RangeError for a grid without patches, a base not > 1, or a position outside the grid
 * @see He et al. 2021, Masked Autoencoders Are Scalable Vision Learners, appendix A, arXiv:2111.06377; the order is that
 *   of its published code. A finer grid is another factory call: nothing is learned.
 * @example
 * const position = sinusoidal2d({ grid: [4, 4], numPrefix: 1 });
 */
export function sinusoidal2d({
  grid: [rows, columns],
  numPrefix = 0,
  base = 10000,
}: Sinusoidal2dOptions): PositionEncoding {
  expectPositiveCount("sinusoidal2d", "grid[0]", rows);
  expectPositiveCount("sinusoidal2d", "grid[1]", columns);
  expectPositiveCount("sinusoidal2d", "numPrefix", numPrefix, 0);
  if (!(base > 1 && Number.isFinite(base)))
    throw new RangeError(`sinusoidal2d: base is out of range, expected a finite number > 1, got ${base}`);
  const count = numPrefix + rows * columns;
  const vectors = (positions: Tensor, { dModel, dtype = "float32" }: VectorOptions): Tensor => {
    if (dModel % 4 !== 0)
      throw new ShapeError(
        `sinusoidal2d: dModel is ${dModel}, expected a multiple of 4: sines and cosines of column and row`,
      );
    checkRange("sinusoidal2d", positions, count);
    const table = new Float64Array(count * dModel);
    for (let patch = 0; patch < rows * columns; patch++) {
      const at = (numPrefix + patch) * dModel;
      writeWaves(table, at, patch % columns, dModel / 4, base);
      writeWaves(table, at + dModel / 2, Math.floor(patch / columns), dModel / 4, base);
    }
    return gather(fromArray(table, [count, dModel], { dtype, backend: positions.backend }), positions);
  };
  return {
    vectors,
    embed(x, positions) {
      const dModel = x.shape.at(-1)!;
      checkEmbedShapes("sinusoidal2d", x, positions, dModel);
      return add(x, vectors(positions, { dModel, dtype: x.dtype }));
    },
  };
}

function writeWaves(table: Float64Array, at: number, place: number, count: number, base: number): void {
  for (let i = 0; i < count; i++) {
    const angle = place * base ** (-i / count);
    table[at + i] = Math.sin(angle);
    table[at + count + i] = Math.cos(angle);
  }
}
