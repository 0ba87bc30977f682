import {
  add,
  bindShapes,
  broadcast,
  dropout as dropTensor,
  formatShape,
  matmul,
  multiply,
  reshape,
  ShapeError,
  scaledDotProductAttention,
  select,
  softmax,
  type Tensor,
} from "@heed/tensor";
import type { AttentionFn } from "./attention-fn.ts";

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
export function softmaxAttention({ scale, dropout = 0 }: SoftmaxAttentionOptions = {}): AttentionFn {
  if (scale !== undefined && !Number.isFinite(scale))
    throw new RangeError(`softmaxAttention: scale is out of range, expected a finite number, got ${scale}`);
  if (!(dropout >= 0 && dropout < 1))
    throw new RangeError(`softmaxAttention: dropout is out of range, expected a probability in [0, 1), got ${dropout}`);
  return (q, k, v, { mask, bias, rng, observe } = {}) => {
    const { D, H, G } = bindShapes("softmaxAttention", { q: [q, "B H T D"], k: [k, "B G S D"], v: [v, "B G S Dv"] });
    checkGroups(q, H, G);
    const factor = scale ?? 1 / Math.sqrt(D);
    const drops = rng !== undefined && dropout > 0;
    if (!observe && !drops) return scaledDotProductAttention(q, k, v, { scale: factor, mask, bias });
    const products = multiply(matmul(q, repeatHeads(k, H), { transposeB: true }), factor);
    const scores = bias ? add(products, bias) : products;
    const probs = maskedSoftmax(scores, mask);
    observe?.({ scores, probs });
    return matmul(drops ? dropTensor(probs, { rate: dropout, rng }) : probs, repeatHeads(v, H));
  };
}

function checkGroups(q: Tensor, H: number, G: number): void {
  if (H % G !== 0) {
    throw new ShapeError(
      `softmaxAttention: k has G=${G} heads, expected a divisor of H=${H} (from q ${formatShape(q.shape)})`,
    );
  }
}

/** [B, G, S, D] -> [B, H, S, D]: each key/value head serves H / G query heads in a row. */
function repeatHeads(x: Tensor, H: number): Tensor {
  const [B, G, S, D] = x.shape as [number, number, number, number];
  if (G === H) return x;
  return reshape(broadcast(reshape(x, [B, G, 1, S, D]), [B, G, H / G, S, D]), [B, H, S, D]);
}

/** Far below any score and finite: its exponential is exactly 0 beside a visible key, and a row without one is no NaN. */
const lowest = -1e30;

function maskedSoftmax(scores: Tensor, mask: Tensor | undefined): Tensor {
  if (!mask) return softmax(scores);
  return select(mask, softmax(select(mask, scores, lowest)), 0);
}
