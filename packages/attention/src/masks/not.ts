import { logicalNot } from "@heed/tensor";
import type { Mask } from "../mask.ts";

/**
 * A query sees the keys that a mask hides.
 *
 * Shapes: as the mask.
 * @see Yang et al. 2019, XLNet, section 2.3, arXiv:1906.08237: its query stream must not see the token itself.
 * @example
 * const anyOther = not(slidingWindow({ windowSize: 1 })); // every key but the query's own
 */
export function not(mask: Mask): Mask {
  return (queryPositions, keyPositions) => logicalNot(mask(queryPositions, keyPositions));
}
