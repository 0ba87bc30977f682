import type { Tensor } from "@heed/tensor";

/**
 * Who sees whom, from positions: bool, true = may attend.
 *
 * Shapes: int32 [T] and [S] -> [T, S]; with [B, T] and [B, S] -> [B, 1, T, S]. A result that is the same for all rows or all queries may have size 1 there.
 */
export type Mask = (queryPositions: Tensor, keyPositions: Tensor) => Tensor;
