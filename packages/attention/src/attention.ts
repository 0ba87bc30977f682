import { add, dropout as dropTensor, matmul, scaledDotProductAttention } from "@heed/tensor";
import type { AttentionFn } from "./attention-fn.ts";
import { bindAttention, checkWidths, repeatHeads } from "./heads.ts";
import type { ScoreFn } from "./score-fn.ts";
import type { WeighFn } from "./weigh-fn.ts";
import { softmaxWeighting } from "./weightings/softmax.ts";

/** Options of {@link attention}. */
export interface ComposeOptions {
  readonly score: ScoreFn;
  /** default softmaxWeighting() */
  readonly weigh?: WeighFn;
  /** share of probs set to 0 where a call brings an rng, in [0, 1); default 0 */
  readonly dropout?: number;
}

/** An attention function composed of its parts. */
export interface ComposedAttention extends AttentionFn {
  readonly score: ScoreFn;
  readonly weigh: WeighFn;
  /** what runs: one fused kernel where score and weighting allow it, unless a call observes or drops; else the parts */
  readonly kernel: "scaledDotProductAttention" | "composed";
}

/** The composition under the name that its messages give. */
export function compose(where: string, { score, weigh = softmaxWeighting(), dropout = 0 }: ComposeOptions) {
  if (!(dropout >= 0 && dropout < 1))
    throw new RangeError(`${where}: dropout is out of range, expected a probability in [0, 1), got ${dropout}`);
  const products = weigh.isSoftmax ? score.asDotProducts : undefined;
  const attend: AttentionFn = (q, k, v, { mask, bias, rng, observe } = {}) => {
    const { H } = bindAttention(where, { q, k, v }, { mask, bias });
    const drops = rng !== undefined && dropout > 0;
    if (products && !observe && !drops) {
      const { scale, ...vectors } = products(q, k);
      checkWidths(where, vectors.q, vectors.k);
      return scaledDotProductAttention(vectors.q, vectors.k, v, { scale, mask, bias });
    }
    const plain = score(q, repeatHeads(k, H));
    const scores = bias ? add(plain, bias) : plain;
    const probs = weigh(scores, mask, { rng });
    observe?.({ scores, probs });
    return matmul(drops ? dropTensor(probs, { rate: dropout, rng }) : probs, repeatHeads(v, H));
  };
  const kernel: ComposedAttention["kernel"] = products ? "scaledDotProductAttention" : "composed";
  return Object.assign(attend, { score, weigh, kernel });
}

/**
 * Attention from a score and a weighting: probs = weigh(score(q, k) + bias, mask), result = probs v.
 *
 * Where the score is a scaled dot product (of transformed vectors too: cosine, qkNorm, bilinear, learned temperature) and
 * the weighting the softmax, one fused kernel runs. The property `kernel` says which, and the backend's `report()` counts
 * it. A call that observes, or that brings an rng where there is dropout, runs the parts.
 *
 * Shapes: q [B, H, T, Dq], k [B, G, S, Dk], v [B, G, S, Dv] -> [B, H, T, Dv]; H is a multiple of G.
 * DTypes: float32 or float64, all equal; the result has the same.
 * Cost: the score's, and O(T*S*Dv) time; O(T*S) memory only where composed.
 *
 * @throws RangeError if dropout is outside [0, 1); ShapeError if a call's shapes do not fit
 * @see Bahdanau et al. 2015, Neural Machine Translation by Jointly Learning to Align and Translate, section 3.1,
 *   arXiv:1409.0473; Vaswani et al. 2017, arXiv:1706.03762. Differs: takes a bias, and a row with no visible key gives 0.
 * @example
 * const cosines = attention({ score: cosineScore(), weigh: sparsemaxWeighting() });
 */
export function attention(options: ComposeOptions): ComposedAttention {
  return compose("attention", options);
}
