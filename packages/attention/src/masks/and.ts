import { type Tensor, full, select } from "@heed/tensor";
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
  if (!first) throw new RangeError("and: masks is empty, expected at least one mask, got none. Use full() to hide nothing");
  return (queryPositions, keyPositions) => rest.reduce((seen, mask) => both(seen, mask(queryPositions, keyPositions)), first(queryPositions, keyPositions));
}

/** Logical and of two bool tensors, with broadcasting. */
export function both(a: Tensor, b: Tensor): Tensor {
  return select(a, b, full([], false, { dtype: "bool", backend: a.backend }));
}
