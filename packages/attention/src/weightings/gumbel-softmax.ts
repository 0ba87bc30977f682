import { add, log, maximum, multiply, negate, type Rng, type Tensor, uniform } from "@heed/tensor";
import { maskedSoftmax } from "../masked-softmax.ts";
import type { WeighFn } from "../weigh-fn.ts";
import { hardMax } from "./hard-max.ts";
import { straightThrough } from "./straight-through.ts";

/** Options of {@link gumbelWeighting}. */
export interface GumbelOptions {
  /** divides the noisy scores, > 0; near 0 the weights are one-hot; default 1 */
  readonly temperature?: number;
  /** one-hot going forward, with the gradient of the soft weights; default false */
  readonly hard?: boolean;
}

/** -log(-log u): the key with the largest score plus this is drawn with the softmax's probability. */
function gumbelNoise(like: Tensor, rng: Rng): Tensor {
  // draws are multiples of 2^-24 below 1: only 0 has no logarithm
  const u = maximum(uniform(like.shape, { rng, dtype: like.dtype, backend: like.backend }), 2 ** -25);
  return negate(log(negate(log(u))));
}

/**
 * A differentiable draw of one key: softmax((score + Gumbel noise) / temperature). Without an rng there is no noise.
 *
 * Shapes: scores [B, H, T, S] -> the same.
 * @throws RangeError if temperature is not positive
 * @see Jang et al. 2017, Categorical Reparameterization with Gumbel-Softmax, arXiv:1611.01144.
 * @example
 * const draw = attention({ score: scaledDotScore(), weigh: gumbelWeighting({ temperature: 0.5, hard: true }) });
 */
export function gumbelWeighting({ temperature = 1, hard = false }: GumbelOptions = {}): WeighFn {
  if (!(temperature > 0 && Number.isFinite(temperature)))
    throw new RangeError(
      `gumbelWeighting: temperature is out of range, expected a finite number > 0, got ${temperature}`,
    );
  return (scores, mask, { rng } = {}) => {
    const noisy = rng ? add(scores, gumbelNoise(scores, rng)) : scores;
    const cooled = multiply(noisy, 1 / temperature);
    const soft = maskedSoftmax(cooled, mask);
    return hard ? straightThrough(hardMax(cooled, mask), soft) : soft;
  };
}
