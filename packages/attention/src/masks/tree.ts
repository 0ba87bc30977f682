import { fromArray } from "@heed/tensor";
import type { Mask } from "../mask.ts";
import { arbitrary } from "./arbitrary.ts";

/**
 * A query sees itself and its ancestors in a tree: several continuations of one text share what they have in common.
 *
 * Shapes: [T], [S] -> bool [T, S]; with a batch axis on either -> [B, 1, T, S]. Here a position is a node's number in `parents`.
 * @param parents for each node the number of its parent, which comes before it, or -1 for a root
 * @throws RangeError if a parent does not come before its child
 * @see Miao et al. 2023, SpecInfer, section 4.2 (tree attention), arXiv:2305.09781.
 * @example
 * tree([-1, 0, 0, 2]); // 0 is the root, 1 and 2 are its children, 3 is a child of 2
 */
export function tree(parents: readonly number[]): Mask {
  const size = parents.length;
  const sees = new Uint8Array(size * size);
  parents.forEach((parent, node) => {
    if (!Number.isInteger(parent) || parent < -1 || parent >= node)
      throw new RangeError(
        `tree: parents[${node}] is out of range, expected -1 or the number of an earlier node (0..${node - 1}), got ${parent}`,
      );
    if (parent >= 0) sees.copyWithin(node * size, parent * size, (parent + 1) * size);
    sees[node * size + node] = 1;
  });
  if (size === 0) throw new RangeError("tree: parents is empty, expected at least one node, got none");
  return (queryPositions, keyPositions) => {
    const table = fromArray(sees, [size, size], { dtype: "bool", backend: keyPositions.backend });
    return arbitrary(table)(queryPositions, keyPositions);
  };
}
