import { logicalAnd } from "@heed/tensor";
import type { Mask } from "../mask.ts";

/**
 * A query sees the keys that every mask lets it see.
 *
 * Shapes: as the masks, broadcast against each other.
 * @throws RangeError without masks
 * @example
 * const mask = and(causal(), padding(keep));
 */
export function and(...masks: readonly Mask[]): Mask {
  const [first, ...rest] = masks;
  if (!first)
    throw new RangeError("and: masks is empty, expected at least one mask, got none. Use full() to hide nothing");
  return (queryPositions, keyPositions) =>
    rest.reduce(
      (seen, mask) => logicalAnd(seen, mask(queryPositions, keyPositions)),
      first(queryPositions, keyPositions),
    );
}
