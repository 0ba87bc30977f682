import type { Tensor } from "@heed/tensor";
import { mixHeads } from "../mix-heads.ts";
import type { ScoreFn } from "../score-fn.ts";

/** The weight of {@link talkingScores} and {@link talkingProbs}: row h says how head h mixes all heads. */
export interface HeadMix {
  /** [H, H] */
  readonly weight: Tensor;
}

/**
 * Scores mixed across heads before the weighting: talking heads, first half.
 *
 * Shapes: as the score; weight [H, H].
 * Cost: O(H*H*T*S) time more.
 * @throws ShapeError if weight is not [H, H]
 * @see Shazeer et al. 2020, Talking-Heads Attention, arXiv:2003.02436.
 * @example
 * const [before, after] = [tensor([[1, 0.5], [0.5, 1]]), tensor([[1, 0], [0, 1]])];
 * const talking = attention({
 *   score: talkingScores(scaledDotScore(), { weight: before }),
 *   weigh: talkingProbs(softmaxWeighting(), { weight: after }),
 * });
 */
export function talkingScores(score: ScoreFn, { weight }: HeadMix): ScoreFn & HeadMix & { readonly score: ScoreFn } {
  const talking = (...[q, k]: Parameters<ScoreFn>) => mixHeads("talkingScores", score(q, k), weight);
  return Object.assign(talking, { score, weight });
}
