import type { Initializer, Norm } from "@heed/nn";
import { add, exp, formatShape, multiply, reshape, ShapeError, slice, subtract, sum, type Tensor } from "@heed/tensor";
import type { AttentionFn, AttentionView } from "./attention-fn.ts";
import { bindAttention, checkWidths } from "./heads.ts";
import { softmaxAttention } from "./softmax-attention.ts";

/** Weights of {@link differentialAttention}. */
export interface DifferentialWeights {
  /** the four vectors of lambda, [4, D / 2]: of the first queries and keys, of the second queries and keys */
  readonly lambda: Tensor;
  /** over the width Dv of each head; default none */
  readonly norm?: Norm | undefined;
}

/** Options of {@link differentialAttention}. */
export interface DifferentialOptions extends DifferentialWeights {
  /** lambda where its vectors cancel, in [0, 1); 0.8 - 0.6 e^(-0.3 (layer - 1)) in the paper; default 0.8 */
  readonly lambdaInit?: number;
}

/**
 * The difference of two softmax attentions, which cancels what both pay attention to for no reason.
 *
 * Halves of the head width make two sets of queries and keys: (softmax(q1 k1^T / sqrt(D/2)) - lambda softmax(q2 k2^T / sqrt(D/2))) v,
 * lambda = e^(lq1 . lk1) - e^(lq2 . lk2) + lambdaInit, then norm over each head, times 1 - lambdaInit.
 *
 * Shapes: q [B, H, T, D], k [B, G, S, D], v [B, G, S, Dv] -> [B, H, T, Dv]; D even. A bias is added to both scores; observed
 * scores are the first ones, probs the difference.
 * Numerics: a row with no visible key returns 0.
 * Cost: twice that of softmaxAttention.
 * @throws RangeError if lambdaInit is outside [0, 1); ShapeError if D is odd or lambda is not [4, D / 2]
 * @see Ye et al. 2024, Differential Transformer, section 2.1, arXiv:2410.05258.
 * @example
 * const attention = createDifferentialAttention({ dHead: 8, weight: normalInit({ std: 0.1, rng: rng(0) }) });
 */
export function differentialAttention(options: DifferentialOptions): AttentionFn & DifferentialWeights {
  const { lambda, norm, lambdaInit = 0.8 } = options;
  if (!(lambdaInit >= 0 && lambdaInit < 1))
    throw new RangeError(
      `differentialAttention: lambdaInit is out of range, expected a number in [0, 1), got ${lambdaInit}`,
    );
  const [vectors, half] = lambda.shape as [number, number];
  if (lambda.shape.length !== 2 || vectors !== 4)
    throw new ShapeError(
      `differentialAttention: lambda has shape ${formatShape(lambda.shape)}, expected [4, D / 2]: four vectors`,
    );
  const attend = softmaxAttention({ scale: 1 / Math.sqrt(half) });
  const fn: AttentionFn = (q, k, v, call = {}) => {
    bindAttention("differentialAttention", { q, k, v }, call);
    checkWidths("differentialAttention", q, k);
    if (q.shape[3] !== 2 * half)
      throw new ShapeError(
        `differentialAttention: q has D=${q.shape[3]} in shape ${formatShape(q.shape)}, expected ${2 * half}, twice the width of lambda ${formatShape(lambda.shape)}`,
      );
    const weight = add(lambdaOf(lambda), lambdaInit);
    const views: AttentionView[] = [];
    const observe = call.observe && ((view: AttentionView) => void views.push(view));
    const [first, second] = [0, half].map((start) =>
      attend(halfOf(q, start, half), halfOf(k, start, half), v, { ...call, observe }),
    ) as [Tensor, Tensor];
    const [one, two] = views;
    if (one && two) call.observe!({ scores: one.scores, probs: subtract(one.probs, multiply(two.probs, weight)) });
    const y = subtract(first, multiply(second, weight));
    return norm ? multiply(norm.forward(y), 1 - lambdaInit) : y;
  };
  return Object.assign(fn, { lambda, norm });
}

/** e^(lq1 . lk1) - e^(lq2 . lk2), one number. */
function lambdaOf(lambda: Tensor): Tensor {
  const half = lambda.shape[1]!;
  const row = (i: number): Tensor => slice(lambda, [i, 0], [1, half]);
  const power = (i: number): Tensor => exp(sum(multiply(row(i), row(i + 1))));
  return reshape(subtract(power(0), power(2)), [1, 1, 1, 1]);
}

function halfOf(x: Tensor, start: number, half: number): Tensor {
  const [B, H, S] = x.shape as [number, number, number];
  return slice(x, [0, 0, 0, start], [B, H, S, half]);
}

/** Options of {@link createDifferentialAttention}. */
export interface CreateDifferentialOptions {
  /** width of queries and keys, even */
  readonly dHead: number;
  /** as in {@link differentialAttention} */
  readonly lambdaInit?: number;
  readonly norm?: Norm;
  /** first values of the vectors of lambda; the paper draws them with standard deviation 0.1 */
  readonly weight: Initializer;
}

/**
 * A {@link differentialAttention} with new weights.
 *
 * @throws RangeError if dHead is odd
 */
export function createDifferentialAttention(options: CreateDifferentialOptions): AttentionFn & DifferentialWeights {
  const { dHead, weight, ...rest } = options;
  if (!Number.isInteger(dHead) || dHead < 2 || dHead % 2 !== 0)
    throw new RangeError(
      `createDifferentialAttention: dHead is odd or out of range, expected an even number >= 2, got ${dHead}`,
    );
  return differentialAttention({ ...rest, lambda: weight([4, dHead / 2]) });
}
