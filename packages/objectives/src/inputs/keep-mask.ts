import { type Mask, padding } from "@heed/attention";
import { cast, fromArray, scope } from "@heed/tensor";

/** Everyone sees every key that is a token. `keep` holds rows of `length` places, 1 for a token and 0 for padding. */
export function keepMask(keep: Int32Array, length: number): Mask {
  return (queryPositions, keyPositions) => {
    const { backend } = queryPositions;
    const rows = scope(() => cast(fromArray(keep, [keep.length / length, length], { backend }), "bool"));
    return padding(rows)(queryPositions, keyPositions);
  };
}
