/**
 * Copies between strided layouts: what permute, slice, pad, concatenate, split and broadcast come down to.
 */
import { word } from "./arguments";
import { threadScratch } from "./scratch";
import { copyBytes, transpose4 } from "./move-rows";

const MAX_RANK: usize = 8;

/** Fills 32-bit words. Arguments: 0 address, 1 words, 2 value bits, 3 words per chunk. */
export function fillWords(args: usize, chunk: i32): void {
  const perChunk = word(args, 3);
  const start = chunk * perChunk, end = min(start + perChunk, word(args, 1));
  const value = i32x4.splat(word(args, 2));
  let to = <usize>word(args, 0) + (<usize>start << 2);
  let i = start;
  for (; i + 8 <= end; i += 8, to += 32) {
    v128.store(to, value);
    v128.store(to, value, 16);
  }
  for (; i < end; i++, to += 4) store<i32>(to, word(args, 2));
}

/**
 * Copies a block of any rank, row by row.
 *
 * Arguments: 0 from, 1 to, 2 rank of the rows' index (the axes but the last), 3 rows, 4 rows per chunk, 5 elements of a
 * row, 6 bytes between them in `from` (0 repeats one element), 7 in `to`, 8 bytes of an element (1 or 4), then three
 * words for each outer axis: size, bytes between neighbors in `from`, in `to`.
 */
export function copyStrided(args: usize, chunk: i32): void {
  const rank = <usize>word(args, 2), perChunk = word(args, 4);
  const start = chunk * perChunk, end = min(start + perChunk, word(args, 3));
  const index = threadScratch(MAX_RANK << 2);
  let from: usize = word(args, 0), to: usize = word(args, 1);
  let rest = start;
  for (let axis = rank; axis-- > 0; ) {
    const size = word(args, 9 + 3 * axis), at = rest % size;
    rest /= size;
    store<i32>(index + (axis << 2), at);
    from += <usize>at * word(args, 10 + 3 * axis);
    to += <usize>at * word(args, 11 + 3 * axis);
  }
  for (let row = start; row < end; row++) {
    copyRow(args, from, to);
    for (let axis = rank; axis-- > 0; ) {
      const size = word(args, 9 + 3 * axis), at = load<i32>(index + (axis << 2)) + 1;
      from += word(args, 10 + 3 * axis);
      to += word(args, 11 + 3 * axis);
      if (at < size) {
        store<i32>(index + (axis << 2), at);
        break;
      }
      store<i32>(index + (axis << 2), 0);
      from -= size * word(args, 10 + 3 * axis);
      to -= size * word(args, 11 + 3 * axis);
    }
  }
}

function copyRow(args: usize, from: usize, to: usize): void {
  const n = word(args, 5), fromStep = word(args, 6), toStep = word(args, 7), bytes = word(args, 8);
  if (fromStep == bytes && toStep == bytes) {
    copyBytes(from, to, n * bytes);
    return;
  }
  if (bytes == 1) {
    for (let i = 0; i < n; i++, from += fromStep, to += toStep) store<u8>(to, load<u8>(from));
    return;
  }
  let i = 0;
  if (fromStep == 0 && toStep == 4) {
    const value = v128.load32_splat(from);
    for (; i + 4 <= n; i += 4, to += 16) v128.store(to, value);
  }
  for (; i < n; i++, from += fromStep, to += toStep) store<i32>(to, load<i32>(from));
}

/**
 * Transposes matrices of 32-bit elements: to[column][row] = from[row][column].
 *
 * Arguments: 0 from, 1 to, 2 rows, 3 columns, 4 columns per chunk, 5 chunks per matrix; matrices follow each other.
 */
export function transposeMatrices(args: usize, chunk: i32): void {
  const rows = word(args, 2), columns = word(args, 3), chunks = word(args, 5);
  const matrix = <usize>(chunk / chunks) * rows * columns << 2;
  const start = (chunk % chunks) * word(args, 4), end = min(start + word(args, 4), columns);
  const from = <usize>word(args, 0) + matrix, to = <usize>word(args, 1) + matrix;
  const fromStep = <usize>columns << 2, toStep = <usize>rows << 2;
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    let column = start;
    const a = from + <usize>row * fromStep, b = to + (<usize>row << 2);
    for (; column + 4 <= end; column += 4) transpose4(a + (<usize>column << 2), fromStep, b + <usize>column * toStep, toStep);
    for (; column < end; column++) {
      for (let r: usize = 0; r < 4; r++) store<i32>(b + <usize>column * toStep + (r << 2), load<i32>(a + r * fromStep + (<usize>column << 2)));
    }
  }
  for (; row < rows; row++) {
    for (let column = start; column < end; column++) {
      store<i32>(to + <usize>column * toStep + (<usize>row << 2), load<i32>(from + <usize>row * fromStep + (<usize>column << 2)));
    }
  }
}
