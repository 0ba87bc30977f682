import {
  add,
  bindShapes,
  concatenate,
  detach,
  formatShape,
  fromArray,
  matmul,
  reshape,
  ShapeError,
  slice,
  type Tensor,
} from "@heed/tensor";
import { expectPositiveCount } from "./distances.ts";
import { checkEmbedShapes, tableRows } from "./learned.ts";
import type { PositionEncoding, VectorOptions } from "./position-encoding.ts";

/** Rows and columns of patches, and tokens before them. */
export interface GridOptions {
  readonly grid: readonly [number, number];
  /** tokens before the patches, such as a class token; default 0 */
  readonly numPrefix?: number;
  /** false for a table that stays as it is: it gets no gradient, and `parameters` of `@heed/nn` leaves it out; default true */
  readonly trainable?: boolean;
}

/**
 * One learned vector for each patch of an image, in row-major order, and for each token before them.
 *
 * Shapes: table [numPrefix + rows * columns, E].
 * @see Dosovitskiy et al. 2020, An Image is Worth 16x16 Words, section 3.1 and 3.2 (interpolation), arXiv:2010.11929.
 */
export class LearnedGridPositions implements PositionEncoding {
  readonly table: Tensor;
  readonly grid: readonly [number, number];
  readonly numPrefix: number;
  readonly trainable: boolean;

  /** @throws ShapeError if the table does not have a row for each patch and prefix token */
  constructor(table: Tensor, { grid, numPrefix = 0, trainable = true }: GridOptions) {
    checkGrid("LearnedGridPositions", grid, numPrefix);
    bindShapes("LearnedGridPositions", { table: [table, "places E"] });
    const expected = numPrefix + grid[0] * grid[1];
    if (table.shape[0] !== expected)
      throw new ShapeError(
        `LearnedGridPositions: table has ${table.shape[0]} rows in shape ${formatShape(table.shape)}, expected ${expected} (from ${numPrefix} before a grid of ${grid[0]} x ${grid[1]})`,
      );
    this.table = table;
    this.grid = grid;
    this.numPrefix = numPrefix;
    this.trainable = trainable;
  }

  /** Rows of the table. Shapes: int32 [T] or [B, T] -> [T, E] or [B, T, E]. */
  vectors(positions: Tensor, options: VectorOptions): Tensor {
    const table = this.trainable ? this.table : detach(this.table);
    return tableRows("LearnedGridPositions", table, positions, options);
  }

  /**
   * Shapes: x [..., T, E] -> the same.
   *
   * @throws RangeError naming the first position outside the table, where the backend can read at once
   */
  embed(x: Tensor, positions: Tensor): Tensor {
    const dModel = this.table.shape[1]!;
    checkEmbedShapes("LearnedGridPositions", x, positions, dModel);
    return add(x, this.vectors(positions, { dModel }));
  }

  /**
   * The same positions for another grid, by bicubic interpolation of the table; gradients flow back to this one.
   *
   * Numerics: the cubic kernel with a = -0.75, pixel centers at (i + 0.5) size / newSize, edges repeated, as
   * torch.nn.functional.interpolate(mode="bicubic", align_corners=False).
   */
  resize(grid: readonly [number, number]): LearnedGridPositions {
    checkGrid("LearnedGridPositions", grid, this.numPrefix);
    const { table, numPrefix, trainable } = this;
    const [rows, columns] = this.grid;
    const E = table.shape[1]!;
    const patches = slice(table, [numPrefix, 0], [rows * columns, E]);
    const tall = matmul(resampling(rows, grid[0], table), reshape(patches, [rows, columns * E]));
    const wide = matmul(resampling(columns, grid[1], table), reshape(tall, [grid[0], columns, E]));
    const resized = reshape(wide, [grid[0] * grid[1], E]);
    const all = numPrefix === 0 ? resized : concatenate([slice(table, [0, 0], [numPrefix, E]), resized], { axis: 0 });
    return new LearnedGridPositions(all, { grid, numPrefix, trainable });
  }
}

function checkGrid(where: string, grid: readonly [number, number], numPrefix: number): void {
  expectPositiveCount(where, "grid[0]", grid[0]);
  expectPositiveCount(where, "grid[1]", grid[1]);
  expectPositiveCount(where, "numPrefix", numPrefix, 0);
}

/** Weight of a neighbour at a distance, of the cubic kernel with a = -0.75. */
function cubic(distance: number): number {
  const a = -0.75;
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/** The matrix [to, from] that resamples one axis. */
function resampling(from: number, to: number, { dtype, backend }: Tensor): Tensor {
  const weights = new Float64Array(to * from);
  for (let i = 0; i < to; i++) {
    const center = ((i + 0.5) * from) / to - 0.5;
    const first = Math.floor(center) - 1;
    for (let j = first; j < first + 4; j++)
      weights[i * from + Math.min(from - 1, Math.max(0, j))]! += cubic(center - j);
  }
  return fromArray(weights, [to, from], { dtype, backend });
}

/**
 * Learned positions of a grid with a new table.
 *
 * @param options.table makes the first values
 * @throws RangeError for a grid without patches
 * @example
 * const position = learned2d({ grid: [4, 4], numPrefix: 1, dModel: 8, table: (shape) => normal(shape, { rng: rng(0), std: 0.02 }) });
 */
export function learned2d({
  grid,
  numPrefix = 0,
  trainable = true,
  dModel,
  table,
}: GridOptions & {
  readonly dModel: number;
  readonly table: (shape: readonly number[]) => Tensor;
}): LearnedGridPositions {
  checkGrid("learned2d", grid, numPrefix);
  return new LearnedGridPositions(table([numPrefix + grid[0] * grid[1], dModel]), { grid, numPrefix, trainable });
}
