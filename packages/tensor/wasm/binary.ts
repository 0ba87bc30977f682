/**
 * Functions of two or three arrays, element by element, with broadcasting.
 *
 * Arguments: 0 operation, 1 a, 2 b, 3 y, 4 number of elements of y, 5 length of a row (innermost axis), 6 whether a
 * advances along the row, 7 whether b does, 8 number of outer axes, from 9 their table (see strided.ts; y is contiguous).
 */
import { geluBackward4, geluTanhBackward4, reluBackward4, siluBackward4 } from "./activations";
import { threadScratch } from "./scratch";
import { CHUNK, enterRow, nextRow, offset0, offset1, offset2, repeat1, repeat4 } from "./strided";

function power(a: f32, b: f32): f32 {
  // As in JavaScript: NaN where the exponent is NaN, or infinite with a base of 1 or -1.
  if (b != b || (abs(a) == 1 && abs(b) == Infinity)) return NaN;
  return <f32>NativeMath.pow(a, b);
}

function power4(a: v128, b: v128): v128 {
  let y = f32x4.splat(power(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0)));
  y = f32x4.replace_lane(y, 1, power(f32x4.extract_lane(a, 1), f32x4.extract_lane(b, 1)));
  y = f32x4.replace_lane(y, 2, power(f32x4.extract_lane(a, 2), f32x4.extract_lane(b, 2)));
  return f32x4.replace_lane(y, 3, power(f32x4.extract_lane(a, 3), f32x4.extract_lane(b, 3)));
}

/** Operation numbers, the same in src/backends/wasm/kernels/binary.ts. */
// @ts-ignore: decorator
@inline
function apply(op: i32, a: v128, b: v128): v128 {
  if (op == 0) return f32x4.add(a, b);
  if (op == 1) return f32x4.sub(a, b);
  if (op == 2) return f32x4.mul(a, b);
  if (op == 3) return f32x4.div(a, b);
  if (op == 4) return f32x4.max(a, b);
  if (op == 5) return f32x4.min(a, b);
  if (op == 6) return power4(a, b);
  if (op == 7) return reluBackward4(a, b);
  if (op == 8) return siluBackward4(a, b);
  if (op == 9) return geluBackward4(a, b);
  if (op == 10) return geluTanhBackward4(a, b);
  if (op == 11) return i32x4.add(a, b);
  if (op == 12) return i32x4.sub(a, b);
  if (op == 13) return i32x4.mul(a, b);
  if (op == 14) return i32x4.max_s(a, b);
  return i32x4.min_s(a, b);
}

// @ts-ignore: decorator
@inline
function light(op: i32, a: usize, stepA: usize, b: usize, stepB: usize, y: usize, n: i32): void {
  for (; n >= 16; n -= 16) {
    v128.store(y, apply(op, v128.load(a), v128.load(b)));
    v128.store(y, apply(op, v128.load(a, 16), v128.load(b, 16)), 16);
    v128.store(y, apply(op, v128.load(a, 32), v128.load(b, 32)), 32);
    v128.store(y, apply(op, v128.load(a, 48), v128.load(b, 48)), 48);
    a += stepA << 6;
    b += stepB << 6;
    y += 64;
  }
  heavy(op, a, stepA, b, stepB, y, n);
}

/** One vector a turn: for functions of so many instructions that the loop costs nothing. */
// @ts-ignore: decorator
@inline
function heavy(op: i32, a: usize, stepA: usize, b: usize, stepB: usize, y: usize, n: i32): void {
  for (; n >= 4; n -= 4) {
    v128.store(y, apply(op, v128.load(a), v128.load(b)));
    a += stepA << 4;
    b += stepB << 4;
    y += 16;
  }
  for (; n > 0; n--) {
    v128.store32_lane(y, apply(op, v128.load32_zero(a), v128.load32_zero(b)), 0);
    a += stepA << 2;
    b += stepB << 2;
    y += 4;
  }
}

/** One row; `stepA` and `stepB` are 1, or 0 for an operand that is repeated (and then 64 bytes of it). */
function binaryRow(op: i32, a: usize, stepA: usize, b: usize, stepB: usize, y: usize, n: i32): void {
  switch (op) {
    case 0: light(0, a, stepA, b, stepB, y, n); break;
    case 1: light(1, a, stepA, b, stepB, y, n); break;
    case 2: light(2, a, stepA, b, stepB, y, n); break;
    case 3: light(3, a, stepA, b, stepB, y, n); break;
    case 4: heavy(4, a, stepA, b, stepB, y, n); break;
    case 5: heavy(5, a, stepA, b, stepB, y, n); break;
    case 6: heavy(6, a, stepA, b, stepB, y, n); break;
    case 7: light(7, a, stepA, b, stepB, y, n); break;
    case 8: heavy(8, a, stepA, b, stepB, y, n); break;
    case 9: heavy(9, a, stepA, b, stepB, y, n); break;
    case 10: heavy(10, a, stepA, b, stepB, y, n); break;
    case 11: light(11, a, stepA, b, stepB, y, n); break;
    case 12: light(12, a, stepA, b, stepB, y, n); break;
    case 13: light(13, a, stepA, b, stepB, y, n); break;
    case 14: light(14, a, stepA, b, stepB, y, n); break;
    default: light(15, a, stepA, b, stepB, y, n);
  }
}

/** y = f(a, b), 4-byte elements. */
export function binary(args: usize, chunk: i32): void {
  const op = load<i32>(args), inner = load<i32>(args, 20);
  const stepA = <usize>load<i32>(args, 24), stepB = <usize>load<i32>(args, 28);
  const a = <usize>load<u32>(args, 4), b = <usize>load<u32>(args, 8);
  let at = chunk * CHUNK;
  const end = min(at + CHUNK, load<i32>(args, 16));
  let y = <usize>load<u32>(args, 12) + (<usize>at << 2);
  const row = at / inner;
  let first = at - row * inner;
  const repeatedA = threadScratch(256), repeatedB = repeatedA + 64;
  enterRow(args + 36, load<i32>(args, 32), row);
  while (at < end) {
    const n = min(inner - first, end - at);
    const rowA = stepA ? a + offset0 + (<usize>first << 2) : repeat4(a + offset0, repeatedA);
    const rowB = stepB ? b + offset1 + (<usize>first << 2) : repeat4(b + offset1, repeatedB);
    binaryRow(op, rowA, stepA, rowB, stepB, y, n);
    y += <usize>n << 2;
    at += n;
    first = 0;
    nextRow();
  }
}

/** All ones where the relation holds: 0 =, 1 <, 2 <= of float32; 3 to 5 of int32. */
// @ts-ignore: decorator
@inline
function holds(op: i32, a: v128, b: v128): v128 {
  if (op == 0) return f32x4.eq(a, b);
  if (op == 1) return f32x4.lt(a, b);
  if (op == 2) return f32x4.le(a, b);
  if (op == 3) return i32x4.eq(a, b);
  if (op == 4) return i32x4.lt_s(a, b);
  return i32x4.le_s(a, b);
}

// @ts-ignore: decorator
@inline
function relate(op: i32, a: usize, stepA: usize, b: usize, stepB: usize, y: usize, n: i32): void {
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

/** Bytes that are equal. */
function equalBytes(a: usize, stepA: usize, b: usize, stepB: usize, y: usize, n: i32): void {
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

function compareRow(op: i32, a: usize, stepA: usize, b: usize, stepB: usize, y: usize, n: i32): void {
  switch (op) {
    case 0: relate(0, a, stepA, b, stepB, y, n); break;
    case 1: relate(1, a, stepA, b, stepB, y, n); break;
    case 2: relate(2, a, stepA, b, stepB, y, n); break;
    case 3: relate(3, a, stepA, b, stepB, y, n); break;
    case 4: relate(4, a, stepA, b, stepB, y, n); break;
    case 5: relate(5, a, stepA, b, stepB, y, n); break;
    default: equalBytes(a, stepA, b, stepB, y, n);
  }
}

/** y = whether a relation holds, as bytes. Operations 0 to 5 as in `holds`, 6 equality of bytes. */
export function compare(args: usize, chunk: i32): void {
  const op = load<i32>(args), inner = load<i32>(args, 20);
  const stepA = <usize>load<i32>(args, 24), stepB = <usize>load<i32>(args, 28);
  const a = <usize>load<u32>(args, 4), b = <usize>load<u32>(args, 8);
  const shift: usize = op == 6 ? 0 : 2;
  let at = chunk * CHUNK;
  const end = min(at + CHUNK, load<i32>(args, 16));
  let y = <usize>load<u32>(args, 12) + at;
  const row = at / inner;
  let first = at - row * inner;
  const repeatedA = threadScratch(256), repeatedB = repeatedA + 64;
  enterRow(args + 36, load<i32>(args, 32), row);
  while (at < end) {
    const n = min(inner - first, end - at);
    const rowA = stepA ? a + offset0 + (<usize>first << shift) : shift ? repeat4(a + offset0, repeatedA) : repeat1(a + offset0, repeatedA);
    const rowB = stepB ? b + offset1 + (<usize>first << shift) : shift ? repeat4(b + offset1, repeatedB) : repeat1(b + offset1, repeatedB);
    compareRow(op, rowA, stepA, rowB, stepB, y, n);
    y += n;
    at += n;
    first = 0;
    nextRow();
  }
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
