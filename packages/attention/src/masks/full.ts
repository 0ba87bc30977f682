import { full as filled } from "@heed/tensor";
import type { Mask } from "../mask.ts";
import { positionGrid } from "./grid.ts";

/**
 * Every query sees every key.
 *
 * Shapes: [T], [S] -> bool [T, S]; with a batch axis on either -> [1, 1, T, S].
 * @see Devlin et al. 2019, BERT, section 3, arXiv:1810.04805 ("bidirectional").
 */
export function full(): Mask {
  return (queryPositions, keyPositions) => {
    const { query, key } = positionGrid("full", queryPositions, keyPositions);
    const lead = query.shape.slice(0, -2).map(() => 1);
    return filled([...lead, query.shape.at(-2)!, key.shape.at(-1)!], true, {
      dtype: "bool",
      backend: queryPositions.backend,
    });
  };
}
