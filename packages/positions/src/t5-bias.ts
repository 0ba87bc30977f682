import { bindShapes, fromArray, gather, type Tensor } from "@heed/tensor";
import { distanceRows, expectPositiveCount, headsFirst } from "./distances.ts";
import type { PositionEncoding } from "./position-encoding.ts";

/** How distances fall into buckets. */
export interface T5BucketOptions {
  /** default 32; even and at least 4 where bidirectional, else at least 2 */
  readonly numBuckets?: number;
  /** positions; this far and farther share the last bucket; default 128 */
  readonly maxDistance?: number;
  /** half of the buckets for keys after the query; else those all count as distance 0; default true */
  readonly bidirectional?: boolean;
}

/**
 * The bucket of a distance (key position less query position): one for each small one, then ever wider ones.
 *
 * Numerics: the logarithm is rounded to float32 at each step, as in the published code, which decides at bucket ends.
 * @throws RangeError if a count is out of range
 * @see Raffel et al. 2019, T5, section 2.1, arXiv:1910.10683.
 * @example
 * t5Bucket(-3); // 3
 * t5Bucket(3); // 19
 */
export function t5Bucket(
  distance: number,
  { numBuckets = 32, maxDistance = 128, bidirectional = true }: T5BucketOptions = {},
): number {
  checkBuckets("t5Bucket", numBuckets, maxDistance, bidirectional);
  const count = bidirectional ? numBuckets / 2 : numBuckets;
  const first = bidirectional && distance > 0 ? count : 0;
  const far = bidirectional ? Math.abs(distance) : Math.max(0, -distance);
  const exact = Math.floor(count / 2);
  if (far < exact) return first + far;
  const logarithm = Math.fround(Math.log(Math.fround(far / exact)));
  const share = Math.fround(Math.fround(logarithm / Math.fround(Math.log(maxDistance / exact))) * (count - exact));
  return first + Math.min(count - 1, exact + Math.trunc(share));
}

function checkBuckets(where: string, numBuckets: number, maxDistance: number, bidirectional: boolean): void {
  const fits = Number.isSafeInteger(numBuckets) && numBuckets >= (bidirectional ? 4 : 2);
  if (!fits || (bidirectional && numBuckets % 2 !== 0))
    throw new RangeError(
      `${where}: numBuckets is out of range, expected ${bidirectional ? "an even number >= 4 (bidirectional)" : "a whole number >= 2"}, got ${numBuckets}`,
    );
  expectPositiveCount(where, "maxDistance", maxDistance, Math.floor(numBuckets / (bidirectional ? 4 : 2)) + 1);
}

/** What a {@link T5Bias} is made of. */
export type T5BiasOptions = Omit<T5BucketOptions, "numBuckets">;

/**
 * One learned number for each bucket of distances and head, added to scores.
 *
 * Shapes: table [numBuckets, H]; bias -> [1 or B, H, T, S].
 * @see Raffel et al. 2019, T5, section 2.1, arXiv:1910.10683. T5 shares one table between its layers and does not
 *   scale scores.
 */
export class T5Bias implements PositionEncoding {
  readonly table: Tensor;
  readonly maxDistance: number;
  readonly bidirectional: boolean;

  /** @throws ShapeError if table is not a matrix; RangeError if its rows or maxDistance make no buckets */
  constructor(table: Tensor, { maxDistance = 128, bidirectional = true }: T5BiasOptions = {}) {
    bindShapes("T5Bias", { table: [table, "numBuckets H"] });
    checkBuckets("T5Bias", table.shape[0]!, maxDistance, bidirectional);
    this.table = table;
    this.maxDistance = maxDistance;
    this.bidirectional = bidirectional;
  }

  /** Shapes: int32 [T] or [B, T], [S] or [B, S] -> int32 [T, S] or [B, T, S]. */
  buckets(queryPositions: Tensor, keyPositions: Tensor): Tensor {
    const { maxDistance, bidirectional } = this;
    const numBuckets = this.table.shape[0]!;
    const byDistance = Int32Array.from({ length: 2 * maxDistance + 1 }, (_, i) =>
      t5Bucket(i - maxDistance, { numBuckets, maxDistance, bidirectional }),
    );
    const lookup = fromArray(byDistance, [byDistance.length], { dtype: "int32", backend: queryPositions.backend });
    return gather(lookup, distanceRows(queryPositions, keyPositions, maxDistance));
  }

  /** Shapes: int32 [T] or [B, T], [S] or [B, S] -> [1 or B, H, T, S]. */
  bias(queryPositions: Tensor, keyPositions: Tensor): Tensor {
    return headsFirst(gather(this.table, this.buckets(queryPositions, keyPositions)));
  }
}

/**
 * A T5 bias with a new table.
 *
 * @param options.table makes the first values
 * @throws RangeError if a count is out of range
 * @example
 * const position = t5Bias({ numHeads: 4, table: (shape) => normal(shape, { rng: rng(0), std: 0.02 }), bidirectional: false });
 */
export function t5Bias({
  numHeads,
  numBuckets = 32,
  table,
  ...options
}: T5BucketOptions & { readonly numHeads: number; readonly table: (shape: readonly number[]) => Tensor }): T5Bias {
  expectPositiveCount("t5Bias", "numHeads", numHeads);
  checkBuckets("t5Bias", numBuckets, options.maxDistance ?? 128, options.bidirectional ?? true);
  return new T5Bias(table([numBuckets, numHeads]), options);
}
