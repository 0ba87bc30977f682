import { abs, less, subtract } from "@heed/tensor";
import type { Mask } from "../mask.ts";
import { checkWhole } from "./check-whole.ts";
import { positionGrid } from "./grid.ts";

/**
 * A query sees keys less than `windowSize` positions away, on both sides: with `causal()` its own and the
 * windowSize - 1 before it.
 *
 * Shapes: [T], [S] -> bool [T, S]; with a batch axis on either -> [B, 1, T, S].
 * @param options.windowSize positions, a whole number >= 1
 * @throws RangeError if windowSize is not a whole number >= 1
 * @see Beltagy et al. 2020, Longformer, section 3.1, arXiv:2004.05150; Jiang et al. 2023, Mistral 7B, section 2, arXiv:2310.06825.
 * @example
 * const mistral = and(causal(), slidingWindow({ windowSize: 4096 }));
 */
export function slidingWindow({ windowSize }: { readonly windowSize: number }): Mask {
  checkWhole("slidingWindow", "windowSize", windowSize, 1);
  return (queryPositions, keyPositions) => {
    const { query, key } = positionGrid("slidingWindow", queryPositions, keyPositions);
    return less(abs(subtract(query, key)), windowSize);
  };
}
