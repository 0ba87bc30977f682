import { logicalOr } from "@heed/tensor";
import type { Mask } from "../mask.ts";

/**
 * A query sees the keys that at least one mask lets it see.
 *
 * Shapes: as the masks, broadcast against each other.
 * @throws RangeError without masks
 * @see Beltagy et al. 2020, Longformer, section 3.1, arXiv:2004.05150, whose pattern is such a union.
 * @example
 * const prefixLm = or(causal(), prefix({ prefixLen: 4 }));
 */
export function or(...masks: readonly Mask[]): Mask {
  const [first, ...rest] = masks;
  if (!first)
    throw new RangeError(
      "or: masks is empty, expected at least one mask, got none. Use not(full()) to hide everything",
    );
  return (queryPositions, keyPositions) =>
    rest.reduce(
      (seen, mask) => logicalOr(seen, mask(queryPositions, keyPositions)),
      first(queryPositions, keyPositions),
    );
}
