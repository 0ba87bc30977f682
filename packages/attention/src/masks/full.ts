import { full as filled } from "@heed/tensor";
import type { Mask } from "../mask.ts";
import { positionGrid } from "./grid.ts";

/**
 * Every query sees every key.
 *
 * Shapes: [T], [S] -> [1, S]; with a batch axis on either -> [1, 1, 1, S]: one row serves all queries.
 * @see Devlin et al. 2019, BERT, section 3, arXiv:1810.04805 ("bidirectional").
 */
export function full(): Mask {
  return (queryPositions, keyPositions) => {
    const { key } = positionGrid("full", queryPositions, keyPositions);
    const lead = key.shape.slice(0, -2).map(() => 1);
    return filled([...lead, 1, key.shape.at(-1)!], true, { dtype: "bool", backend: keyPositions.backend });
  };
}
