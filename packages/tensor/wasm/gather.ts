/** Rows picked by index, and their transpose. Indices outside the table are clamped: never a read or write out of bounds. */
import { word } from "./arguments";
import { addFloats, copyBytes } from "./move-rows";

/**
 * y[o][i] = x[o][indices[i]], rows of bytes.
 *
 * Arguments: 0 x, 1 indices, 2 y, 3 rows in all (outer times indices), 4 number of indices, 5 size of the axis,
 * 6 bytes of a row, 7 rows per chunk.
 */
export function gatherRows(args: usize, chunk: i32): void {
  const count = word(args, 4), size = word(args, 5), bytes = word(args, 6), perChunk = word(args, 7);
  const end = min((chunk + 1) * perChunk, word(args, 3));
  for (let row = chunk * perChunk; row < end; row++) {
    const index = min(max(load<i32>(<usize>word(args, 1) + (<usize>(row % count) << 2)), 0), size - 1);
    copyBytes(<usize>word(args, 0) + <usize>((row / count) * size + index) * bytes, <usize>word(args, 2) + <usize>row * bytes, bytes);
  }
}

/**
 * y[o][indices[i]] += x[o][i] in ascending order of i, on a y of zeros; a chunk has some columns of one o.
 *
 * Arguments: 0 x, 1 indices, 2 y, 3 number of indices, 4 size of the axis, 5 floats of a row, 6 columns per chunk,
 * 7 chunks per o.
 */
export function scatterAddRows(args: usize, chunk: i32): void {
  const count = word(args, 3), size = word(args, 4), width = word(args, 5), perChunk = word(args, 6), chunks = word(args, 7);
  const outer = chunk / chunks, column = (chunk % chunks) * perChunk;
  const n = min(perChunk, width - column);
  let from = <usize>word(args, 0) + ((<usize>outer * count * width + column) << 2);
  const to = <usize>word(args, 2) + ((<usize>outer * size * width + column) << 2);
  for (let i = 0; i < count; i++, from += <usize>width << 2) {
    const index = min(max(load<i32>(<usize>word(args, 1) + (<usize>i << 2)), 0), size - 1);
    addFloats(from, to + ((<usize>index * width) << 2), n);
  }
}
