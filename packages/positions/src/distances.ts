import {
  add,
  concatenate,
  expandDims,
  formatShape,
  matmul,
  maximum,
  minimum,
  permute,
  reshape,
  ShapeError,
  subtract,
  type Tensor,
} from "@heed/tensor";

/**
 * Key position less query position. int32 [T] or [B, T], [S] or [B, S] -> [T, S] or [B, T, S].
 *
 * @internal
 */
export function distances(queryPositions: Tensor, keyPositions: Tensor): Tensor {
  return subtract(expandDims(keyPositions, -2), expandDims(queryPositions, -1));
}

/** The same, kept within ±limit and counted from 0: rows 0..2 limit of a table. @internal */
export function distanceRows(queryPositions: Tensor, keyPositions: Tensor, limit: number): Tensor {
  return add(minimum(maximum(distances(queryPositions, keyPositions), -limit), limit), limit);
}

/** [T, S, H] or [B, T, S, H] -> [1, H, T, S] or [B, H, T, S]. @internal */
export function headsFirst(x: Tensor): Tensor {
  const batched = x.shape.length === 3 ? expandDims(x, 0) : x;
  return permute(batched, [0, 3, 1, 2]);
}

/** [B, G, S, D] -> [B, H, S, D]: each key head stands for H / G query heads beside each other. @internal */
export function repeatKeyHeads(where: string, k: Tensor, numHeads: number): Tensor {
  const [B, G, S, D] = k.shape as [number, number, number, number];
  if (numHeads === G) return k;
  if (numHeads % G !== 0)
    throw new ShapeError(
      `${where}: k has G=${G} in shape ${formatShape(k.shape)}, expected a divisor of the ${numHeads} query heads`,
    );
  const each = reshape(k, [B, G, 1, S, D]);
  const copies = Array.from({ length: numHeads / G }, () => each);
  return reshape(concatenate(copies, { axis: 2 }), [B, numHeads, S, D]);
}

/**
 * Scores of every query with the row of its own key's place: q [B, H, T, D], rows [T, S, D] or [B, T, S, D] -> [B, H, T, S].
 *
 * @internal
 */
export function dotRows(q: Tensor, rows: Tensor): Tensor {
  const rows_BTSD = rows.shape.length === 3 ? expandDims(rows, 0) : rows;
  const scores_BTHS = matmul(permute(q, [0, 2, 1, 3]), rows_BTSD, { transposeB: true });
  return permute(scores_BTHS, [0, 2, 1, 3]);
}

/** @internal */
export function expectPositiveCount(where: string, argument: string, value: number, least = 1): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new RangeError(`${where}: ${argument} is out of range, expected a whole number >= ${least}, got ${value}`);
}
