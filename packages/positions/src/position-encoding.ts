import type { Tensor } from "@heed/tensor";

/**
 * How a model learns the order of its tokens. Implement the hooks that apply, leave the others out.
 *
 * Positions are always passed in, int32 [T] or, where rows differ, [B, T].
 */
export interface PositionEncoding {
  /** Adds positions to token embeddings. Shapes: x [..., T, E] -> the same. */
  embed?(x: Tensor, positions: Tensor): Tensor;
  /** Applied to queries and to keys before their scores. Shapes: queryOrKey [B, H, T, D] -> the same. */
  rotate?(queryOrKey: Tensor, positions: Tensor): Tensor;
  /** Added to scores. Shapes: int32 [T] or [B, T], int32 [S] or [B, S] -> [1 or B, 1 or H, T, S]. */
  bias?(queryPositions: Tensor, keyPositions: Tensor): Tensor;
}
