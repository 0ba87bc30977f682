/**
 * Functions of two or three arrays, element by element, with broadcasting.
 *
 * Arguments: 0 a, 1 b, 2 y, 3 number of elements of y, 4 length of a row (innermost axis), 5 whether a advances along the
 * row, 6 whether b does, 7 number of outer axes, from 8 their table (see strided.ts; y is contiguous).
 */
import { reluBackward4 } from "./activations";
import { threadScratch } from "./scratch";
import { CHUNK, enterRow, nextRow, offset0, offset1, repeat4 } from "./strided";

function powerOf(a: f32, b: f32): f32 {
  // As in JavaScript: NaN where the exponent is NaN, or infinite with a base of 1 or -1.
  if (b != b || (abs(a) == 1 && abs(b) == Infinity)) return NaN;
  return <f32>NativeMath.pow(a, b);
}

function power4(a: v128, b: v128): v128 {
  let y = f32x4.splat(powerOf(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0)));
  y = f32x4.replace_lane(y, 1, powerOf(f32x4.extract_lane(a, 1), f32x4.extract_lane(b, 1)));
  y = f32x4.replace_lane(y, 2, powerOf(f32x4.extract_lane(a, 2), f32x4.extract_lane(b, 2)));
  return f32x4.replace_lane(y, 3, powerOf(f32x4.extract_lane(a, 3), f32x4.extract_lane(b, 3)));
}

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
  if (op == 8) return i32x4.add(a, b);
  if (op == 9) return i32x4.sub(a, b);
  if (op == 10) return i32x4.mul(a, b);
  if (op == 11) return i32x4.max_s(a, b);
  return i32x4.min_s(a, b);
}

/** One row; `stepA` and `stepB` are 1, or 0 for an operand that is repeated (and then 64 bytes of it). */
@inline
function applyRow(op: i32, a: usize, stepA: usize, b: usize, stepB: usize, y: usize, n: i32): void {
  for (; n >= 16; n -= 16) {
    const v0 = apply(op, v128.load(a), v128.load(b));
    const v1 = apply(op, v128.load(a, 16), v128.load(b, 16));
    const v2 = apply(op, v128.load(a, 32), v128.load(b, 32));
    const v3 = apply(op, v128.load(a, 48), v128.load(b, 48));
    v128.store(y, v0);
    v128.store(y, v1, 16);
    v128.store(y, v2, 32);
    v128.store(y, v3, 48);
    a += stepA << 6;
    b += stepB << 6;
    y += 64;
  }
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

@inline
function runRows(op: i32, args: usize, chunk: i32): void {
  const inner = load<i32>(args, 16);
  const stepA = <usize>load<i32>(args, 20), stepB = <usize>load<i32>(args, 24);
  const a = <usize>load<u32>(args), b = <usize>load<u32>(args, 4);
  let at = chunk * CHUNK;
  const end = min(at + CHUNK, load<i32>(args, 12));
  let y = <usize>load<u32>(args, 8) + (<usize>at << 2);
  const row = at / inner;
  let first = at - row * inner;
  const repeatedA = threadScratch(256), repeatedB = repeatedA + 64;
  enterRow(args + 32, load<i32>(args, 28), row);
  while (at < end) {
    const n = min(inner - first, end - at);
    const rowA = stepA ? a + offset0 + (<usize>first << 2) : repeat4(a + offset0, repeatedA);
    const rowB = stepB ? b + offset1 + (<usize>first << 2) : repeat4(b + offset1, repeatedB);
    applyRow(op, rowA, stepA, rowB, stepB, y, n);
    y += <usize>n << 2;
    at += n;
    first = 0;
    nextRow();
  }
}

// A kernel for each operation: a switch inside one would make the loops one loop that switches.

export function add(args: usize, chunk: i32): void {
  runRows(0, args, chunk);
}

export function subtract(args: usize, chunk: i32): void {
  runRows(1, args, chunk);
}

export function multiply(args: usize, chunk: i32): void {
  runRows(2, args, chunk);
}

export function divide(args: usize, chunk: i32): void {
  runRows(3, args, chunk);
}

export function maximum(args: usize, chunk: i32): void {
  runRows(4, args, chunk);
}

export function minimum(args: usize, chunk: i32): void {
  runRows(5, args, chunk);
}

export function power(args: usize, chunk: i32): void {
  runRows(6, args, chunk);
}

export function reluBackward(args: usize, chunk: i32): void {
  runRows(7, args, chunk);
}

export function addInt(args: usize, chunk: i32): void {
  runRows(8, args, chunk);
}

export function subtractInt(args: usize, chunk: i32): void {
  runRows(9, args, chunk);
}

export function multiplyInt(args: usize, chunk: i32): void {
  runRows(10, args, chunk);
}

export function maximumInt(args: usize, chunk: i32): void {
  runRows(11, args, chunk);
}

export function minimumInt(args: usize, chunk: i32): void {
  runRows(12, args, chunk);
}
