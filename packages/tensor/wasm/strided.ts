/**
 * Rows of operands that are read with strides: the loop over all axes but the innermost one.
 *
 * The host hands over a table of 4 words an axis, outermost first: size, then bytes between neighbors in up to three
 * operands (0 where an operand is repeated). `enterRow` goes to a row by its number, `nextRow` to the one after; both
 * leave the operands' byte offsets in `offset0` to `offset2`.
 */

/** Elements per chunk: small enough to share among threads, large enough that claiming a chunk costs nothing. */
export const CHUNK: i32 = 16384;

/** Most axes of a table. */
export const MOST_AXES: i32 = 8;

export let offset0: usize = 0;
export let offset1: usize = 0;
export let offset2: usize = 0;

// Each thread has its own instance, so these are per thread: where in the table each axis stands.
let axes: usize = 0;
let rank: i32 = 0;
let index0: i32 = 0, index1: i32 = 0, index2: i32 = 0, index3: i32 = 0;
let index4: i32 = 0, index5: i32 = 0, index6: i32 = 0, index7: i32 = 0;

function indexOf(axis: i32): i32 {
  switch (axis) {
    case 0: return index0;
    case 1: return index1;
    case 2: return index2;
    case 3: return index3;
    case 4: return index4;
    case 5: return index5;
    case 6: return index6;
    default: return index7;
  }
}

function setIndex(axis: i32, value: i32): void {
  switch (axis) {
    case 0: index0 = value; break;
    case 1: index1 = value; break;
    case 2: index2 = value; break;
    case 3: index3 = value; break;
    case 4: index4 = value; break;
    case 5: index5 = value; break;
    case 6: index6 = value; break;
    default: index7 = value;
  }
}

/** Goes to row number `row` of a table of `count` axes. */
export function enterRow(table: usize, count: i32, row: i32): void {
  axes = table;
  rank = count;
  offset0 = 0;
  offset1 = 0;
  offset2 = 0;
  for (let axis = count - 1; axis >= 0; axis--) {
    const entry = table + (<usize>axis << 4);
    const size = load<i32>(entry);
    const position = row % size;
    row /= size;
    setIndex(axis, position);
    offset0 += position * load<i32>(entry, 4);
    offset1 += position * load<i32>(entry, 8);
    offset2 += position * load<i32>(entry, 12);
  }
}

/** Goes to the row after. */
export function nextRow(): void {
  for (let axis = rank - 1; axis >= 0; axis--) {
    const entry = axes + (<usize>axis << 4);
    const size = load<i32>(entry);
    offset0 += load<i32>(entry, 4);
    offset1 += load<i32>(entry, 8);
    offset2 += load<i32>(entry, 12);
    const position = indexOf(axis) + 1;
    if (position < size) {
      setIndex(axis, position);
      return;
    }
    setIndex(axis, 0);
    offset0 -= size * load<i32>(entry, 4);
    offset1 -= size * load<i32>(entry, 8);
    offset2 -= size * load<i32>(entry, 12);
  }
}

/** 64 bytes that repeat the 4-byte element at `from`, written to `to`; returns `to`. So a repeated operand reads like a row. */
export function repeat4(from: usize, to: usize): usize {
  const x = v128.load32_splat(from);
  v128.store(to, x);
  v128.store(to, x, 16);
  v128.store(to, x, 32);
  v128.store(to, x, 48);
  return to;
}

/** As `repeat4`, for a 1-byte element. */
export function repeat1(from: usize, to: usize): usize {
  const x = v128.load8_splat(from);
  v128.store(to, x);
  v128.store(to, x, 16);
  v128.store(to, x, 32);
  v128.store(to, x, 48);
  return to;
}
