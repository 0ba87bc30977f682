import type { Tensor } from "@heed/tensor";

/** Vectors whose scaled dot products are a score, up to a number that all keys of a query share: a softmax forgets it. */
export interface DotProducts {
  /** [B, H, T, D] */
  readonly q: Tensor;
  /** [B, H or G, S, D] */
  readonly k: Tensor;
  readonly scale: number;
}

/**
 * How well each key answers each query.
 *
 * Shapes: q [B, H, T, Dq], k [B, H, S, Dk] -> [B, H, T, S]. A score with weights carries them as properties, where
 * `stateDict` finds them.
 */
export interface ScoreFn {
  (q: Tensor, k: Tensor): Tensor;
  /** the vectors whose dot products a softmax may take for the score, if there are such: attention then runs fused. Takes k with G heads too */
  readonly asDotProducts?: ((q: Tensor, k: Tensor) => DotProducts) | undefined;
}
