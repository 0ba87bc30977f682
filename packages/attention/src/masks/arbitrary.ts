import {
  add,
  bindShapes,
  expectDType,
  gather,
  greaterEqual,
  less,
  logicalAnd,
  maximum,
  minimum,
  multiply,
  reshape,
  type Tensor,
} from "@heed/tensor";
import type { Mask } from "../mask.ts";
import { positionGrid } from "./grid.ts";

/**
 * A query at position i sees the key at position j where table[i, j] is true: any pattern at all.
 *
 * Shapes: table bool [P, R]; [T], [S] -> bool [T, S]; with a batch axis on either -> [B, 1, T, S].
 * @param table rows for query positions 0..P-1, columns for key positions 0..R-1; a pair outside it is hidden
 * @throws ShapeError if table is not a matrix
 * @see Tay et al. 2020, Efficient Transformers: A Survey, section 3 (fixed patterns), arXiv:2009.06732.
 * @example
 * const checkers = arbitrary(tensor([[1, 0, 1], [0, 1, 0], [1, 0, 1]], { dtype: "bool" }));
 */
export function arbitrary(table: Tensor): Mask {
  const { P, R } = bindShapes("arbitrary", { table: [table, "P R"] });
  expectDType("arbitrary", { table }, "bool");
  return (queryPositions, keyPositions) => {
    const { query, key } = positionGrid("arbitrary", queryPositions, keyPositions);
    const within = (x: Tensor, size: number): Tensor => logicalAnd(greaterEqual(x, 0), less(x, size));
    const bounded = (x: Tensor, size: number): Tensor => minimum(maximum(x, 0), size - 1);
    const places = add(multiply(bounded(query, P), R), bounded(key, R));
    return logicalAnd(gather(reshape(table, [P * R]), places), logicalAnd(within(query, P), within(key, R)));
  };
}
