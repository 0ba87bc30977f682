/**
 * Rearranges parts of a matrix into panels: `width` (MR, 8 or 16) neighbors of one axis, k by k, padded with zeros.
 *
 * The source either has k along its columns (`packAcross`, a transpose) or along its rows (`packAlong`, copies).
 * Nothing outside the source's `count` rows or columns is read.
 */
import { MR } from "./matmul-micro";

/** Panels of `width` (a multiple of 4) from a matrix whose row r holds k = 0.. of member r: `count` members, rows `stride` bytes apart. */
export function packAcross(from: usize, stride: usize, count: i32, K: i32, width: i32, to: usize): void {
  const step = <usize>width << 2;
  for (; count > 0; count -= width) {
    for (let i = 0; i < width; i += 4) {
      const rows = from + <usize>i * stride, columns = to + (<usize>i << 2);
      if (count >= i + 4) transposeFour(rows, stride, K, columns, step);
      else transposeFewer(rows, stride, max(count - i, 0), K, columns, step);
    }
    from += <usize>width * stride;
    to += <usize>K * step;
  }
}

/** Four rows into four columns, `step` bytes per k. */
function transposeFour(a: usize, stride: usize, K: i32, to: usize, step: usize): void {
  let b = a + stride, c = b + stride, d = c + stride;
  const whole = a + (<usize>(K & ~3) << 2), end = a + (<usize>K << 2);
  while (a < whole) {
    const x0 = v128.load(a), x1 = v128.load(b), x2 = v128.load(c), x3 = v128.load(d);
    const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
    to += step;
    v128.store(to, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
    to += step;
    v128.store(to, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
    to += step;
    v128.store(to, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
    to += step;
    a += 16; b += 16; c += 16; d += 16;
  }
  while (a < end) {
    v128.store(to, f32x4(load<f32>(a), load<f32>(b), load<f32>(c), load<f32>(d)));
    a += 4; b += 4; c += 4; d += 4;
    to += step;
  }
}

/** As transposeFour with `count` < 4 rows; the other columns are zeros. */
function transposeFewer(a: usize, stride: usize, count: i32, K: i32, to: usize, step: usize): void {
  for (let k = 0; k < K; k++) {
    for (let r = 0; r < 4; r++) store<f32>(to + (<usize>r << 2), r < count ? load<f32>(a + <usize>r * stride) : 0);
    a += 4;
    to += step;
  }
}

/** Panels of `width` (8 or 16) from a matrix whose rows are k, `stride` bytes apart, of `count` members each. */
export function packAlong(from: usize, stride: usize, count: i32, K: i32, width: i32, to: usize): void {
  const panel = <usize>(K * width) << 2;
  // Sixteen members at a time use whole cache lines: one panel of 16 or two of 8.
  const second: usize = width == 16 ? 32 : panel, step: usize = width == 16 ? 64 : 32;
  for (; count >= 16; count -= 16) {
    let a = from;
    for (let k = 0, at = to; k < K; k++, at += step) {
      v128.store(at, v128.load(a));
      v128.store(at, v128.load(a, 16), 16);
      v128.store(at + second, v128.load(a, 32));
      v128.store(at + second, v128.load(a, 48), 16);
      a += stride;
    }
    from += 64;
    to += <usize>K << 6;
  }
  for (; count > 0; count -= width) {
    alongFewer(from, stride, min(count, width), width, K, to);
    from += <usize>width << 2;
    to += panel;
  }
}

/** Panels of MR; otherwise as packAlong. */
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
    alongFewer(from, stride, min(count, MR), MR, K, to);
    from += <usize>MR << 2;
    to += panel;
  }
}

/** One panel of `width` with `count` <= width members. */
function alongFewer(from: usize, stride: usize, count: i32, width: i32, K: i32, to: usize): void {
  const whole = count & ~3;
  for (let k = 0; k < K; k++) {
    let i = 0;
    for (; i < whole; i += 4) v128.store(to + (<usize>i << 2), v128.load(from + (<usize>i << 2)));
    for (; i < width; i++) store<f32>(to + (<usize>i << 2), i < count ? load<f32>(from + (<usize>i << 2)) : 0);
    from += stride;
    to += <usize>width << 2;
  }
}
