/**
 * Rearranges parts of a matrix into panels: `width` (MR or 8) neighbors of one axis, k by k, padded with zeros.
 *
 * The source either has k along its columns (`packAcross`, a transpose) or along its rows (`packAlong`, copies).
 * Nothing outside the source's `count` rows or columns is read.
 */
import { MR } from "./matmul-micro";

/** Panels of 8 from a matrix whose row r holds k = 0.. of member r: `count` members, rows `stride` bytes apart. */
export function packAcross8(from: usize, stride: usize, count: i32, K: i32, to: usize): void {
  for (; count > 0; count -= 8) {
    if (count >= 8) {
      transposeFour(from, stride, K, to);
      transposeFour(from + 4 * stride, stride, K, to + 16);
    } else scalarAcross(from, stride, count, K, to);
    from += 8 * stride;
    to += <usize>K << 5;
  }
}

/** Four rows into lanes 0..3 of groups of 8 floats. */
function transposeFour(a: usize, stride: usize, K: i32, to: usize): void {
  let b = a + stride, c = b + stride, d = c + stride;
  const whole = a + (<usize>(K & ~3) << 2), end = a + (<usize>K << 2);
  while (a < whole) {
    const x0 = v128.load(a), x1 = v128.load(b), x2 = v128.load(c), x3 = v128.load(d);
    const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
    v128.store(to, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 32);
    v128.store(to, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 64);
    v128.store(to, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 96);
    a += 16; b += 16; c += 16; d += 16;
    to += 128;
  }
  while (a < end) {
    store<f32>(to, load<f32>(a));
    store<f32>(to, load<f32>(b), 4);
    store<f32>(to, load<f32>(c), 8);
    store<f32>(to, load<f32>(d), 12);
    a += 4; b += 4; c += 4; d += 4;
    to += 32;
  }
}

/** The last panel of 8: fewer than 8 rows. */
function scalarAcross(from: usize, stride: usize, count: i32, K: i32, to: usize): void {
  memory.fill(to, 0, <usize>K << 5);
  for (let r = 0; r < count; r++) {
    const row = from + <usize>r * stride, column = to + (<usize>r << 2);
    for (let k = 0; k < K; k++) store<f32>(column + (<usize>k << 5), load<f32>(row + (<usize>k << 2)));
  }
}

/** Panels of 8 from a matrix whose rows are k, `stride` bytes apart, of `count` members each. */
export function packAlong8(from: usize, stride: usize, count: i32, K: i32, to: usize): void {
  const panel = <usize>K << 5;
  for (; count >= 16; count -= 16) {
    let a = from;
    for (let k = 0, at = to; k < K; k++, at += 32) {
      v128.store(at, v128.load(a));
      v128.store(at, v128.load(a, 16), 16);
      v128.store(at + panel, v128.load(a, 32));
      v128.store(at + panel, v128.load(a, 48), 16);
      a += stride;
    }
    from += 64;
    to += 2 * panel;
  }
  if (count >= 8) {
    let a = from;
    for (let k = 0, at = to; k < K; k++, at += 32) {
      v128.store(at, v128.load(a));
      v128.store(at, v128.load(a, 16), 16);
      a += stride;
    }
    from += 32;
    to += panel;
    count -= 8;
  }
  if (count > 0) scalarAlong(from, stride, count, 8, K, to);
}

/** Panels of MR; otherwise as packAlong8. */
export function packAlongMR(from: usize, stride: usize, count: i32, K: i32, to: usize): void {
  const panel = <usize>(K * MR) << 2;
  for (; count >= 2 * MR; count -= 2 * MR) {
    let a = from;
    if (MR == 6) {
      for (let k = 0, at = to; k < K; k++, at += 24) {
        const middle = v128.load(a, 16);
        v128.store(at, v128.load(a));
        v128.store64_lane(at, middle, 0, 16);
        v128.store64_lane(at + panel, middle, 1);
        v128.store(at + panel, v128.load(a, 32), 8);
        a += stride;
      }
    } else {
      for (let k = 0, at = to; k < K; k++, at += 16) {
        v128.store(at, v128.load(a));
        v128.store(at + panel, v128.load(a, 16));
        a += stride;
      }
    }
    from += <usize>(2 * MR) << 2;
    to += 2 * panel;
  }
  for (; count > 0; count -= MR) {
    scalarAlong(from, stride, min(count, MR), MR, K, to);
    from += <usize>MR << 2;
    to += panel;
  }
}

/** One panel of `width` with `count` <= width members. */
function scalarAlong(from: usize, stride: usize, count: i32, width: i32, K: i32, to: usize): void {
  for (let k = 0; k < K; k++) {
    for (let i = 0; i < width; i++) store<f32>(to + (<usize>i << 2), i < count ? load<f32>(from + (<usize>i << 2)) : 0);
    from += stride;
    to += <usize>width << 2;
  }
}
