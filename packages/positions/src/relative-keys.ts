import {
  add,
  bindShapes,
  expandDims,
  formatShape,
  gather,
  matmul,
  multiply,
  permute,
  ShapeError,
  type Tensor,
} from "@heed/tensor";
import { distanceRows, dotRows, expectPositiveCount, repeatKeyHeads } from "./distances.ts";
import type { PositionEncoding } from "./position-encoding.ts";

/** What a {@link RelativeKeys} does beside its tables. */
export interface RelativeKeysOptions {
  /** multiplies the scores it adds; default 1 / sqrt(D) */
  readonly scale?: number;
  /** keys too are multiplied with the rows, as BERT's `relative_key_query`; default false */
  readonly bothSides?: boolean;
}

/**
 * A learned vector for each distance, met by queries, and where wanted by values.
 *
 * scores(i, j) += scale * q_i . keys[clip(j - i)]; with `bothSides` also scale * k_j . keys[clip(j - i)];
 * with values z_i += sum_j probs(i, j) values[clip(j - i)].
 *
 * Shapes: keys [2 maxDistance + 1, D], values [2 maxDistance + 1, Dv] or none; shared by all heads.
 * Cost: O(T S D) memory for the rows of all pairs.
 * @see Shaw, Uszkoreit and Vaswani 2018, Self-Attention with Relative Position Representations, section 3.2,
 *   arXiv:1803.02155; Huang et al. 2020, Improve Transformer Models with Better Relative Position Embeddings,
 *   method 4, arXiv:2009.13658 (both sides; Hugging Face orders the rows by i - j, the reverse).
 */
export class RelativeKeys implements PositionEncoding {
  readonly keys: Tensor;
  readonly values: Tensor | undefined;
  readonly scale: number | undefined;
  readonly bothSides: boolean;
  readonly mixValues?: (probs: Tensor, queryPositions: Tensor, keyPositions: Tensor) => Tensor;

  /** @throws ShapeError if a table is not a matrix with an odd number of rows, as many in both */
  constructor(keys: Tensor, values?: Tensor, { scale, bothSides = false }: RelativeKeysOptions = {}) {
    bindShapes(
      "RelativeKeys",
      values ? { keys: [keys, "distances D"], values: [values, "distances Dv"] } : { keys: [keys, "distances D"] },
    );
    if (keys.shape[0]! % 2 === 0)
      throw new ShapeError(
        `RelativeKeys: keys has ${keys.shape[0]} rows in shape ${formatShape(keys.shape)}, expected an odd number: as many distances before as after, and 0`,
      );
    this.keys = keys;
    this.values = values;
    this.scale = scale;
    this.bothSides = bothSides;
    if (values)
      this.mixValues = (probs, queryPositions, keyPositions) => {
        const rows = gather(values, distanceRows(queryPositions, keyPositions, this.maxDistance));
        const rows_BTSD = rows.shape.length === 3 ? expandDims(rows, 0) : rows;
        return permute(matmul(permute(probs, [0, 2, 1, 3]), rows_BTSD), [0, 2, 1, 3]);
      };
  }

  get maxDistance(): number {
    return (this.keys.shape[0]! - 1) / 2;
  }

  /**
   * Shapes: q [B, H, T, D], k [B, G, S, D] -> [B, H, T, S].
   *
   * @throws ShapeError if the heads have another width than the table
   */
  contentBias(q: Tensor, k: Tensor, queryPositions: Tensor, keyPositions: Tensor): Tensor {
    const D = this.keys.shape[1]!;
    if (q.shape.at(-1) !== D)
      throw new ShapeError(
        `RelativeKeys: q has D=${q.shape.at(-1)} in shape ${formatShape(q.shape)}, expected D=${D} (from keys ${formatShape(this.keys.shape)})`,
      );
    const rows = gather(this.keys, distanceRows(queryPositions, keyPositions, this.maxDistance));
    const scores = this.bothSides ? add(dotRows(q, rows), this.keyScores(q, k, rows)) : dotRows(q, rows);
    return multiply(scores, this.scale ?? 1 / Math.sqrt(D));
  }

  private keyScores(q: Tensor, k: Tensor, rows: Tensor): Tensor {
    const rank = rows.shape.length;
    const rows_STD = permute(rows, rank === 3 ? [1, 0, 2] : [0, 2, 1, 3]);
    return permute(dotRows(repeatKeyHeads("RelativeKeys", k, q.shape[1]!), rows_STD), [0, 1, 3, 2]);
  }
}

/**
 * Relative keys, and with `dValue` relative values, with new tables.
 *
 * @param options.maxDistance positions, >= 1; farther keys count as this far
 * @param options.table makes the first values of each table
 * @throws RangeError if a count is below 1
 * @example
 * const position = relativeKeys({ maxDistance: 8, dHead: 4, dValue: 4, table: (shape) => normal(shape, { rng: rng(0), std: 0.02 }) });
 */
export function relativeKeys({
  maxDistance,
  dHead,
  dValue,
  table,
  ...options
}: RelativeKeysOptions & {
  readonly maxDistance: number;
  readonly dHead: number;
  readonly dValue?: number;
  readonly table: (shape: readonly number[]) => Tensor;
}): RelativeKeys {
  expectPositiveCount("relativeKeys", "maxDistance", maxDistance);
  expectPositiveCount("relativeKeys", "dHead", dHead);
  const rows = 2 * maxDistance + 1;
  return new RelativeKeys(table([rows, dHead]), dValue === undefined ? undefined : table([rows, dValue]), options);
}
