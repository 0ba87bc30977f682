import { detach, max, maximum, select, subtract, type Tensor } from "@heed/tensor";
import { lowest } from "../masked-softmax.ts";

/**
 * Scores minus their row's largest visible one, cut off at `bottom`, where hidden ones lie too. A weighting that gives
 * nothing to a key so far below the best is unchanged, and sums and squares stay small.
 */
export function belowMaximum(scores: Tensor, mask: Tensor | undefined, bottom: number): Tensor {
  const visible = mask ? select(mask, scores, lowest) : scores;
  const shifted = maximum(subtract(scores, max(detach(visible), { axes: -1, keepDims: true })), bottom);
  return mask ? select(mask, shifted, bottom) : shifted;
}
