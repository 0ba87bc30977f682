import { cast, divide, equal, floor, multiply, subtract } from "@heed/tensor";
import type { Mask } from "../mask.ts";
import { checkWhole } from "./check-whole.ts";
import { positionGrid } from "./grid.ts";

/**
 * A query sees keys whose distance is a multiple of `dilation`, on both sides.
 *
 * Shapes: [T], [S] -> bool [T, S]; with a batch axis on either -> [B, 1, T, S].
 * @param options.dilation positions, a whole number >= 1; 1 hides nothing
 * @throws RangeError if dilation is not a whole number >= 1
 * @see Child et al. 2019, Generating Long Sequences with Sparse Transformers, section 4.2 (strided), arXiv:1904.10509.
 * @example
 * const strided = and(causal(), or(slidingWindow({ windowSize: 8 }), dilated({ dilation: 8 })));
 */
export function dilated({ dilation }: { readonly dilation: number }): Mask {
  checkWhole("dilated", "dilation", dilation, 1);
  return (queryPositions, keyPositions) => {
    const { query, key } = positionGrid("dilated", queryPositions, keyPositions);
    // positions below 2^24 are exact in float32, and so is the quotient of a multiple
    const distance = cast(subtract(query, key), "float32");
    return equal(multiply(floor(divide(distance, dilation)), dilation), distance);
  };
}
