import { select } from "@heed/tensor";
import { mixHeads } from "../mix-heads.ts";
import type { HeadMix } from "../scores/talking-scores.ts";
import type { WeighFn } from "../weigh-fn.ts";

/**
 * Probs mixed across heads after the weighting: talking heads, second half. What a head's mask hides stays hidden.
 *
 * Shapes: scores [B, H, T, S] -> the same; weight [H, H].
 * Cost: O(H*H*T*S) time more.
 * @throws ShapeError if weight is not [H, H]
 * @see Shazeer et al. 2020, Talking-Heads Attention, arXiv:2003.02436.
 */
export function talkingProbs(weigh: WeighFn, { weight }: HeadMix): WeighFn & HeadMix & { readonly weigh: WeighFn } {
  const talking: WeighFn = (scores, mask, options) => {
    const mixed = mixHeads("talkingProbs", weigh(scores, mask, options), weight);
    return mask ? select(mask, mixed, 0) : mixed;
  };
  return Object.assign(talking, { weigh, weight });
}
