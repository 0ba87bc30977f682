import { bindShapes, formatShape, gather, ShapeError, type Tensor } from "@heed/tensor";
import { distanceRows, expectPositiveCount, headsFirst } from "./distances.ts";
import type { PositionEncoding } from "./position-encoding.ts";

/**
 * One learned number for each distance and head, added to scores: bias(i, j) = table[clip(j - i) + maxDistance].
 *
 * Shapes: table [2 maxDistance + 1, H]; bias -> [1 or B, H, T, S].
 * @see Raffel et al. 2019, T5, section 2.1, arXiv:1910.10683, without its buckets; Liu et al. 2021, Swin Transformer,
 *   section 3.2, arXiv:2103.14030, in one dimension. Differs: farther distances share the last row.
 */
export class RelativeBias implements PositionEncoding {
  readonly table: Tensor;

  /** @throws ShapeError if table is not a matrix with an odd number of rows */
  constructor(table: Tensor) {
    bindShapes("RelativeBias", { table: [table, "distances H"] });
    if (table.shape[0]! % 2 === 0)
      throw new ShapeError(
        `RelativeBias: table has ${table.shape[0]} rows in shape ${formatShape(table.shape)}, expected an odd number: as many distances before as after, and 0`,
      );
    this.table = table;
  }

  get maxDistance(): number {
    return (this.table.shape[0]! - 1) / 2;
  }

  /** Shapes: int32 [T] or [B, T], [S] or [B, S] -> [1 or B, H, T, S]. */
  bias(queryPositions: Tensor, keyPositions: Tensor): Tensor {
    return headsFirst(gather(this.table, distanceRows(queryPositions, keyPositions, this.maxDistance)));
  }
}

/**
 * A relative bias with a new table.
 *
 * @param options.maxDistance positions, >= 1; farther keys count as this far
 * @param options.table makes the first values
 * @throws RangeError if a count is below 1
 * @example
 * const position = relativeBias({ maxDistance: 16, numHeads: 4, table: (shape) => normal(shape, { rng: rng(0), std: 0.02 }) });
 */
export function relativeBias({
  maxDistance,
  numHeads,
  table,
}: {
  readonly maxDistance: number;
  readonly numHeads: number;
  readonly table: (shape: readonly number[]) => Tensor;
}): RelativeBias {
  expectPositiveCount("relativeBias", "maxDistance", maxDistance);
  expectPositiveCount("relativeBias", "numHeads", numHeads);
  return new RelativeBias(table([2 * maxDistance + 1, numHeads]));
}
