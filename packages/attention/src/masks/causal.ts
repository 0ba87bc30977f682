import { lessEqual } from "@heed/tensor";
import type { Mask } from "../mask.ts";
import { positionGrid } from "./grid.ts";

/**
 * A query sees keys at its own and at earlier positions.
 *
 * Compares positions, not places: a single query in step 8 of a decoding sees all 8 keys.
 *
 * Shapes: [T], [S] -> bool [T, S]; with a batch axis on either -> [B, 1, T, S].
 * @see Vaswani et al. 2017, Attention Is All You Need, section 3.2.3, arXiv:1706.03762.
 * @example
 * causal()(arange(0, 3), arange(0, 3)); // [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
 */
export function causal(): Mask {
  return (queryPositions, keyPositions) => {
    const { query, key } = positionGrid("causal", queryPositions, keyPositions);
    return lessEqual(key, query);
  };
}
