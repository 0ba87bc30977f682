import type { DType, Tensor } from "@heed/tensor";

/** How wide and of which type position vectors shall be. */
export interface VectorOptions {
  /** values in one vector; a table of another width throws */
  readonly dModel: number;
  /** float32 or float64; weights keep their own; default float32 */
  readonly dtype?: DType;
}

/**
 * How a model learns the order of its tokens. Implement the hooks that apply, leave the others out.
 *
 * Positions are always passed in, int32 [T] or, where rows differ, [B, T].
 */
export interface PositionEncoding {
  /** Positions alone, for who adds or concatenates them. Shapes: int32 [T] or [B, T] -> [T, E] or [B, T, E]. */
  vectors?(positions: Tensor, options: VectorOptions): Tensor;
  /** Adds positions to token embeddings. Shapes: x [..., T, E] -> the same. */
  embed?(x: Tensor, positions: Tensor): Tensor;
  /** Applied to queries and to keys before their scores. Shapes: queryOrKey [B, H, T, D] -> the same. */
  rotate?(queryOrKey: Tensor, positions: Tensor): Tensor;
  /** Added to scores. Shapes: int32 [T] or [B, T], int32 [S] or [B, S] -> [1 or B, 1 or H, T, S]. */
  bias?(queryPositions: Tensor, keyPositions: Tensor): Tensor;
  /**
   * Added to scores, made from what queries and keys hold; already scaled as scores are, by default by 1 / sqrt(D).
   *
   * Shapes: q [B, H, T, D], k [B, G, S, D] with G dividing H -> [B, H, T, S].
   */
  contentBias?(q: Tensor, k: Tensor, queryPositions: Tensor, keyPositions: Tensor): Tensor;
  /** Added to what attention gives. Shapes: probs [B, H, T, S] -> [B, H, T, Dv]. */
  mixValues?(probs: Tensor, queryPositions: Tensor, keyPositions: Tensor): Tensor;
}
