import { select, softmax, type Tensor } from "@heed/tensor";

/** Far below any score and finite: its exponential is exactly 0 beside a visible key, and a row without one is no NaN. */
export const lowest = -1e30;

/** The softmax over visible keys; zeros where hidden. */
export function maskedSoftmax(scores: Tensor, mask: Tensor | undefined): Tensor {
  if (!mask) return softmax(scores);
  return select(mask, softmax(select(mask, scores, lowest)), 0);
}
