import { type ComposedAttention, compose } from "./attention.ts";
import { scaledDotScore } from "./scores/scaled-dot.ts";

/** Options of {@link softmaxAttention}. */
export interface SoftmaxAttentionOptions {
  /** multiplies every score, finite; default 1 / sqrt(D) */
  readonly scale?: number;
  /** share of probs set to 0 where a call brings an rng, in [0, 1); default 0 */
  readonly dropout?: number;
}

/**
 * Attention whose probabilities are the softmax of scaled dot products.
 *
 * probs = softmax(q k^T * scale + bias), over the keys the mask allows.
 *
 * Runs as one fused kernel; as its composition where a call asks to observe or brings an rng for dropout.
 *
 * Shapes: q [B, H, T, D], k [B, G, S, D], v [B, G, S, Dv] -> [B, H, T, Dv]; H is a multiple of G.
 * DTypes: float32 or float64, all equal; the result has the same.
 * Numerics: subtracts the row maximum; a row with no visible key returns 0.
 * Cost: O(T*S*D) time; O(T*S) memory only where composed.
 *
 * @throws RangeError if scale is not finite or dropout is outside [0, 1); ShapeError if H is not a multiple of G
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.2.1, arXiv:1706.03762.
 *   Differs: takes a bias, and defines the empty row.
 * @example
 * const attention = softmaxAttention();
 */
export function softmaxAttention({ scale, dropout = 0 }: SoftmaxAttentionOptions = {}): ComposedAttention {
  if (scale !== undefined && !Number.isFinite(scale))
    throw new RangeError(`softmaxAttention: scale is out of range, expected a finite number, got ${scale}`);
  return compose("softmaxAttention", { score: scaledDotScore(scale === undefined ? {} : { scale }), dropout });
}
