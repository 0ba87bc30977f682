/**
 * C = A B (+ bias) for few rows of A: every element of B is read once, in place, as fast as memory gives it.
 *
 * Arguments: those of matmul.ts, but 8 columns per chunk, 9 chunks per product. Every cell of C adds its products in
 * an order that follows from K alone.
 */
import { word } from "./arguments";
import { activate } from "./activation";
import { madd } from "./simd";

let M: i32, N: i32, K: i32;
let a: usize, b: usize, c: usize, bias: usize;

// @ts-ignore: decorator
@inline
function floats(count: i32): usize {
  return <usize>count << 2;
}

/** One chunk: some columns of C, all rows, of one product. */
export function matmulFewRows(args: usize, chunk: i32): void {
  M = word(args, 2);
  N = word(args, 3);
  K = word(args, 4);
  bias = word(args, 6);
  const perChunk = word(args, 8), blocks = word(args, 9), activation = word(args, 14);
  const product = chunk / blocks, from = chunk % blocks * perChunk, to = min(from + perChunk, N);
  const addresses = args + 64 + (<usize>product << 3);
  a = load<u32>(addresses);
  b = load<u32>(addresses, 4);
  c = <usize>word(args, 5) + floats(product * M * N);
  if (word(args, 0) & 2) for (let n = from; n < to; n += 4) innerProducts(n, min(4, to - n));
  else sumRows(from, to);
  if (!activation) return;
  const y = <usize>word(args, 15) + floats(product * M * N);
  for (let m = 0; m < M; m++) activate(activation, c + floats(m * N + from), y + floats(m * N + from), to - from);
}

/** Columns n .. n + count - 1 (count <= 4) where B is transposed: its rows n, n + 1, ... times the rows of A. */
function innerProducts(n: i32, count: i32): void {
  const last = <usize>(count - 1), stride = floats(K);
  const b0 = b + floats(n * K), b1 = b0 + min<usize>(1, last) * stride, b2 = b0 + min<usize>(2, last) * stride, b3 = b0 + last * stride;
  let start = f32x4.splat(0);
  if (bias) {
    for (let i = 0; i < count; i++) start = v128.bitselect(f32x4.splat(load<f32>(bias + floats(n + i))), start, laneMask(i));
  }
  let m = 0;
  for (; m + 2 <= M; m += 2) pairOfRows(a + floats(m * K), b0, b1, b2, b3, start, c + floats(m * N + n), count);
  if (m < M) storeCells(c + floats(m * N + n), f32x4.add(start, oneRow(a + floats(m * K), b0, b1, b2, b3)), count);
}

// @ts-ignore: decorator
@inline
function laneMask(lane: i32): v128 {
  return i32x4.eq(i32x4.splat(lane), i32x4(0, 1, 2, 3));
}

// @ts-ignore: decorator
@inline
function storeCells(cell: usize, x: v128, count: i32): void {
  if (count == 4) {
    v128.store(cell, x);
    return;
  }
  store<f32>(cell, f32x4.extract_lane(x, 0));
  if (count > 1) store<f32>(cell, f32x4.extract_lane(x, 1), 4);
  if (count > 2) store<f32>(cell, f32x4.extract_lane(x, 2), 8);
}

/** The sums of the lanes of four vectors, as one vector. */
// @ts-ignore: decorator
@inline
function laneSums(x0: v128, x1: v128, x2: v128, x3: v128): v128 {
  const y01 = f32x4.add(v128.shuffle<f32>(x0, x1, 0, 4, 1, 5), v128.shuffle<f32>(x0, x1, 2, 6, 3, 7));
  const y23 = f32x4.add(v128.shuffle<f32>(x2, x3, 0, 4, 1, 5), v128.shuffle<f32>(x2, x3, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(y01, y23, 0, 1, 4, 5), v128.shuffle<f32>(y01, y23, 2, 3, 6, 7));
}

/** What is left of K after whole vectors: one product each, in order. */
// @ts-ignore: decorator
@inline
function tail(x: usize, at: usize, end: usize, b0: usize, b1: usize, b2: usize, b3: usize, sums: v128): v128 {
  for (; at < end; at += 4) {
    const column = f32x4(load<f32>(b0 + at), load<f32>(b1 + at), load<f32>(b2 + at), load<f32>(b3 + at));
    sums = madd(v128.load32_splat(x + at), column, sums);
  }
  return sums;
}

/** Four partial sums of one row of B times x. Row after row: memory gives one long stream at 30 GB/s, four at a time at 22. */
function rowLanes(x: usize, b: usize, end: usize): v128 {
  let p0 = f32x4.splat(0), p1 = p0, p2 = p0, p3 = p0;
  const last = b + end;
  while (b < last) {
    p0 = madd(v128.load(x), v128.load(b), p0);
    p1 = madd(v128.load(x, 16), v128.load(b, 16), p1);
    p2 = madd(v128.load(x, 32), v128.load(b, 32), p2);
    p3 = madd(v128.load(x, 48), v128.load(b, 48), p3);
    p0 = madd(v128.load(x, 64), v128.load(b, 64), p0);
    p1 = madd(v128.load(x, 80), v128.load(b, 80), p1);
    p2 = madd(v128.load(x, 96), v128.load(b, 96), p2);
    p3 = madd(v128.load(x, 112), v128.load(b, 112), p3);
    x += 128; b += 128;
  }
  return f32x4.add(f32x4.add(p0, p1), f32x4.add(p2, p3));
}

function oneRow(x: usize, b0: usize, b1: usize, b2: usize, b3: usize): v128 {
  const end = floats(K), whole = end & ~127;
  const sums = laneSums(rowLanes(x, b0, whole), rowLanes(x, b1, whole), rowLanes(x, b2, whole), rowLanes(x, b3, whole));
  return tail(x, whole, end, b0, b1, b2, b3, sums);
}

function pairOfRows(x: usize, b0: usize, b1: usize, b2: usize, b3: usize, start: v128, cell: usize, count: i32): void {
  const end = floats(K), next = x + end;
  let p0 = f32x4.splat(0), p1 = p0, p2 = p0, p3 = p0, q0 = p0, q1 = p0, q2 = p0, q3 = p0;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    const first = v128.load(x + at), second = v128.load(next + at);
    let w = v128.load(b0 + at);
    p0 = madd(first, w, p0); q0 = madd(second, w, q0);
    w = v128.load(b1 + at);
    p1 = madd(first, w, p1); q1 = madd(second, w, q1);
    w = v128.load(b2 + at);
    p2 = madd(first, w, p2); q2 = madd(second, w, q2);
    w = v128.load(b3 + at);
    p3 = madd(first, w, p3); q3 = madd(second, w, q3);
  }
  storeCells(cell, f32x4.add(start, tail(x, at, end, b0, b1, b2, b3, laneSums(p0, p1, p2, p3))), count);
  storeCells(cell + floats(N), f32x4.add(start, tail(next, at, end, b0, b1, b2, b3, laneSums(q0, q1, q2, q3))), count);
}

/** Columns from .. to of C where B is not transposed: rows of B, four at a time, added up in C. */
function sumRows(from: i32, to: i32): void {
  const bytes = floats(to - from), stride = floats(N);
  for (let m = 0; m < M; m++) {
    const row = c + floats(m * N + from);
    if (bias) memory.copy(row, bias + floats(from), bytes);
    else memory.fill(row, 0, bytes);
  }
  let k = 0;
  for (; k + 4 <= K; k += 4) {
    for (let m = 0; m < M; m++) addFourRows(a + floats(m * K + k), b + floats(k * N + from), stride, c + floats(m * N + from), bytes);
  }
  for (; k < K; k++) {
    for (let m = 0; m < M; m++) addRow(load<f32>(a + floats(m * K + k)), b + floats(k * N + from), c + floats(m * N + from), bytes);
  }
}

function addFourRows(x: usize, row: usize, stride: usize, cell: usize, bytes: usize): void {
  const x0 = v128.load32_splat(x), x1 = v128.load32_splat(x, 4), x2 = v128.load32_splat(x, 8), x3 = v128.load32_splat(x, 12);
  const row1 = row + stride, row2 = row1 + stride, row3 = row2 + stride;
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) {
    let sum = madd(x0, v128.load(row + i), v128.load(cell + i));
    sum = madd(x1, v128.load(row1 + i), sum);
    sum = madd(x2, v128.load(row2 + i), sum);
    v128.store(cell + i, madd(x3, v128.load(row3 + i), sum));
  }
  for (; i < bytes; i += 4) {
    let sum = madd(x0, v128.load32_zero(row + i), v128.load32_zero(cell + i));
    sum = madd(x1, v128.load32_zero(row1 + i), sum);
    sum = madd(x2, v128.load32_zero(row2 + i), sum);
    v128.store32_lane(cell + i, madd(x3, v128.load32_zero(row3 + i), sum), 0);
  }
}

function addRow(x: f32, row: usize, cell: usize, bytes: usize): void {
  const factor = f32x4.splat(x);
  for (let i: usize = 0; i < bytes; i += 4) v128.store32_lane(cell + i, madd(factor, v128.load32_zero(row + i), v128.load32_zero(cell + i)), 0);
}
