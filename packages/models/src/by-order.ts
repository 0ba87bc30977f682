import type { Mask } from "@heed/attention";
import { arange } from "@heed/tensor";

/**
 * A mask of the order in which tokens stand, the cached ones first, whatever their positions: those may count real tokens
 * only, start again or be given by a call, and still nobody sees the future.
 *
 * Shapes: as the mask for positions [T] and [S], the last T of 0..S-1 and all of them.
 * @see Hugging Face transformers, whose causal masks go by the order of tokens.
 */
export function byOrder(mask: Mask): Mask {
  return (queryPositions, keyPositions) => {
    const [T, S] = [queryPositions.shape.at(-1)!, keyPositions.shape.at(-1)!];
    const { backend } = keyPositions;
    return mask(arange(S - T, S, { backend }), arange(0, S, { backend }));
  };
}
