import { equal, logicalOr, type Tensor } from "@heed/tensor";
import type { Mask } from "../mask.ts";
import { checkWhole } from "./check-whole.ts";
import { positionGrid } from "./grid.ts";

/**
 * Some positions see every key and are seen by every query. Use it with `or`.
 *
 * Shapes: [T], [S] -> bool [T, S]; with a batch axis on either -> [B, 1, T, S].
 * @param options.positions whole numbers >= 0, at least one
 * @throws RangeError if positions is empty or has something else
 * @see Beltagy et al. 2020, Longformer, section 3.1 (global attention), arXiv:2004.05150.
 * @example
 * const longformer = or(slidingWindow({ windowSize: 256 }), globalTokens({ positions: [0] }));
 */
export function globalTokens({ positions }: { readonly positions: readonly number[] }): Mask {
  if (positions.length === 0)
    throw new RangeError("globalTokens: positions is empty, expected at least one position, got none");
  for (const position of positions) checkWhole("globalTokens", "positions", position, 0);
  return (queryPositions, keyPositions) => {
    const { query, key } = positionGrid("globalTokens", queryPositions, keyPositions);
    const isGlobal = (x: Tensor): Tensor => positions.map((position) => equal(x, position)).reduce(logicalOr);
    return logicalOr(isGlobal(query), isGlobal(key));
  };
}
