import { bindShapes, expectDType, isTensor, less, reshape, type Tensor } from "@heed/tensor";
import type { Mask } from "../mask.ts";
import { checkWhole } from "./check-whole.ts";
import { positionGrid } from "./grid.ts";

/**
 * Every query sees the keys at positions below `prefixLen`, and no others: `or(causal(), prefix(...))` is a prefix language model.
 *
 * Shapes: [T], [S] -> bool [1, S]; with a batch axis -> [B or 1, 1, 1, S].
 * @param options.prefixLen positions, a whole number >= 0, or int32 [B] with one for each row
 * @throws RangeError if prefixLen is not a whole number >= 0
 * @see Raffel et al. 2020, Exploring the Limits of Transfer Learning (T5), section 3.2.1, arXiv:1910.10683.
 * @example
 * const prefixLm = or(causal(), prefix({ prefixLen: 4 }));
 */
export function prefix({ prefixLen }: { readonly prefixLen: number | Tensor }): Mask {
  if (isTensor(prefixLen)) {
    bindShapes("prefix", { prefixLen: [prefixLen, "B"] });
    expectDType("prefix", { prefixLen }, "int32");
  } else checkWhole("prefix", "prefixLen", prefixLen, 0);
  return (queryPositions, keyPositions) => {
    const { key } = positionGrid("prefix", queryPositions, keyPositions);
    if (!isTensor(prefixLen)) return less(key, prefixLen);
    return less(key, reshape(prefixLen, [prefixLen.size, 1, 1, 1]));
  };
}
