/** Relations of two arrays, as bytes 0 or 1, and selection by such bytes; with broadcasting. Arguments as in binary.ts. */
import { threadScratch } from "./scratch";
import { CHUNK, enterRow, nextRow, offset0, offset1, offset2, repeat1, repeat4 } from "./strided";

/** All ones where the relation holds: 0 =, 1 <, 2 <= of float32; 3 to 5 of int32. */
@inline
function holds(op: i32, a: v128, b: v128): v128 {
  if (op == 0) return f32x4.eq(a, b);
  if (op == 1) return f32x4.lt(a, b);
  if (op == 2) return f32x4.le(a, b);
  if (op == 3) return i32x4.eq(a, b);
  if (op == 4) return i32x4.lt_s(a, b);
  return i32x4.le_s(a, b);
}

@inline
function relateRow(op: i32, a: usize, stepA: usize, b: usize, stepB: usize, y: usize, n: i32): void {
  for (; n >= 16; n -= 16) {
    const low = i16x8.narrow_i32x4_s(holds(op, v128.load(a), v128.load(b)), holds(op, v128.load(a, 16), v128.load(b, 16)));
    const high = i16x8.narrow_i32x4_s(holds(op, v128.load(a, 32), v128.load(b, 32)), holds(op, v128.load(a, 48), v128.load(b, 48)));
    v128.store(y, v128.and(i8x16.narrow_i16x8_s(low, high), i8x16.splat(1)));
    a += stepA << 6;
    b += stepB << 6;
    y += 16;
  }
  for (; n > 0; n--) {
    store<u8>(y, <u8>(i32x4.extract_lane(holds(op, v128.load32_zero(a), v128.load32_zero(b)), 0) & 1));
    a += stepA << 2;
    b += stepB << 2;
    y++;
  }
}

@inline
function relate(op: i32, args: usize, chunk: i32): void {
  const inner = load<i32>(args, 16);
  const stepA = <usize>load<i32>(args, 20), stepB = <usize>load<i32>(args, 24);
  const a = <usize>load<u32>(args), b = <usize>load<u32>(args, 4);
  let at = chunk * CHUNK;
  const end = min(at + CHUNK, load<i32>(args, 12));
  let y = <usize>load<u32>(args, 8) + at;
  const row = at / inner;
  let first = at - row * inner;
  const repeatedA = threadScratch(256), repeatedB = repeatedA + 64;
  enterRow(args + 32, load<i32>(args, 28), row);
  while (at < end) {
    const n = min(inner - first, end - at);
    const rowA = stepA ? a + offset0 + (<usize>first << 2) : repeat4(a + offset0, repeatedA);
    const rowB = stepB ? b + offset1 + (<usize>first << 2) : repeat4(b + offset1, repeatedB);
    relateRow(op, rowA, stepA, rowB, stepB, y, n);
    y += n;
    at += n;
    first = 0;
    nextRow();
  }
}

export function equal(args: usize, chunk: i32): void {
  relate(0, args, chunk);
}

export function less(args: usize, chunk: i32): void {
  relate(1, args, chunk);
}

export function lessEqual(args: usize, chunk: i32): void {
  relate(2, args, chunk);
}

export function equalInt(args: usize, chunk: i32): void {
  relate(3, args, chunk);
}

export function lessInt(args: usize, chunk: i32): void {
  relate(4, args, chunk);
}

export function lessEqualInt(args: usize, chunk: i32): void {
  relate(5, args, chunk);
}

/** Bytes that are equal. */
@inline
function equalBytesRow(op: i32, a: usize, stepA: usize, b: usize, stepB: usize, y: usize, n: i32): void {
  for (; n >= 16; n -= 16) {
    v128.store(y, v128.and(i8x16.eq(v128.load(a), v128.load(b)), i8x16.splat(1)));
    a += stepA << 4;
    b += stepB << 4;
    y += 16;
  }
  for (; n > 0; n--) {
    store<u8>(y, <u8>(load<u8>(a) == load<u8>(b)));
    a += stepA;
    b += stepB;
    y++;
  }
}

@inline
function equalBytes(op: i32, args: usize, chunk: i32): void {
  const inner = load<i32>(args, 16);
  const stepA = <usize>load<i32>(args, 20), stepB = <usize>load<i32>(args, 24);
  const a = <usize>load<u32>(args), b = <usize>load<u32>(args, 4);
  let at = chunk * CHUNK;
  const end = min(at + CHUNK, load<i32>(args, 12));
  let y = <usize>load<u32>(args, 8) + at;
  const row = at / inner;
  let first = at - row * inner;
  const repeatedA = threadScratch(256), repeatedB = repeatedA + 64;
  enterRow(args + 32, load<i32>(args, 28), row);
  while (at < end) {
    const n = min(inner - first, end - at);
    const rowA = stepA ? a + offset0 + (<usize>first << 0) : repeat1(a + offset0, repeatedA);
    const rowB = stepB ? b + offset1 + (<usize>first << 0) : repeat1(b + offset1, repeatedB);
    equalBytesRow(op, rowA, stepA, rowB, stepB, y, n);
    y += n;
    at += n;
    first = 0;
    nextRow();
  }
}

export function equalBool(args: usize, chunk: i32): void {
  equalBytes(0, args, chunk);
}

function selectWords(c: usize, stepC: usize, a: usize, stepA: usize, b: usize, stepB: usize, y: usize, n: i32): void {
  for (; n >= 4; n -= 4) {
    const lanes = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(c)));
    v128.store(y, v128.bitselect(v128.load(b), v128.load(a), i32x4.eq(lanes, i32x4.splat(0))));
    c += stepC << 2;
    a += stepA << 4;
    b += stepB << 4;
    y += 16;
  }
  for (; n > 0; n--) {
    store<i32>(y, load<u8>(c) ? load<i32>(a) : load<i32>(b));
    c += stepC;
    a += stepA << 2;
    b += stepB << 2;
    y += 4;
  }
}

function selectBytes(c: usize, stepC: usize, a: usize, stepA: usize, b: usize, stepB: usize, y: usize, n: i32): void {
  for (; n > 0; n--) {
    store<u8>(y, load<u8>(c) ? load<u8>(a) : load<u8>(b));
    c += stepC;
    a += stepA;
    b += stepB;
    y++;
  }
}

/**
 * y = a where the condition c holds, b elsewhere. Arguments: 0 bytes of an element are 1 << this (0 or 2), 1 c, 2 a, 3 b,
 * 4 y, 5 number of elements, 6 length of a row, 7 to 9 whether c, a, b advance, 10 number of outer axes, from 11 their table.
 */
export function select(args: usize, chunk: i32): void {
  const shift = <usize>load<i32>(args), inner = load<i32>(args, 24);
  const c = <usize>load<u32>(args, 4), a = <usize>load<u32>(args, 8), b = <usize>load<u32>(args, 12);
  const stepC = <usize>load<i32>(args, 28), stepA = <usize>load<i32>(args, 32), stepB = <usize>load<i32>(args, 36);
  let at = chunk * CHUNK;
  const end = min(at + CHUNK, load<i32>(args, 20));
  let y = <usize>load<u32>(args, 16) + (<usize>at << shift);
  const row = at / inner;
  let first = at - row * inner;
  const repeated = threadScratch(256);
  enterRow(args + 44, load<i32>(args, 40), row);
  while (at < end) {
    const n = min(inner - first, end - at);
    const skip = <usize>first << shift;
    const rowC = stepC ? c + offset0 + first : repeat1(c + offset0, repeated);
    const rowA = stepA ? a + offset1 + skip : shift ? repeat4(a + offset1, repeated + 64) : a + offset1;
    const rowB = stepB ? b + offset2 + skip : shift ? repeat4(b + offset2, repeated + 128) : b + offset2;
    if (shift) selectWords(rowC, stepC, rowA, stepA, rowB, stepB, y, n);
    else selectBytes(rowC, stepC, rowA, stepA, rowB, stepB, y, n);
    y += <usize>n << shift;
    at += n;
    first = 0;
    nextRow();
  }
}
