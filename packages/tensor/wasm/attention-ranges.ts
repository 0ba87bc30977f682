/** Which keys each mask row lets its query see, found before attention so that it can skip the others. */
import { address, word } from "./arguments";

/** Fills the `ranges` of attention.ts for mask rows. Arguments: 0 mask, 1 ranges, 2 rows, 3 S, 4 rows per chunk. */
export function attentionRanges(args: usize, chunk: i32): void {
  const keys = word(args, 3), perChunk = word(args, 4);
  const end = min((chunk + 1) * perChunk, word(args, 2));
  for (let row = chunk * perChunk; row < end; row++) {
    const from = address(args, 0) + <usize>(row * keys);
    let first = 0, last = keys, visible = 0;
    while (first < last && !load<u8>(from + first)) first++;
    while (last > first && !load<u8>(from + last - 1)) last--;
    for (let j = first; j < last; j++) visible += load<u8>(from + j);
    const to = address(args, 1) + <usize>row * 12;
    store<i32>(to, first);
    store<i32>(to, last, 4);
    store<i32>(to, i32(visible == last - first), 8);
  }
}
