/** What attention does to one row of scores: scale, bias, mask, exponentials. Rows are contiguous; `n` may be any size. */
import { expFlush4 } from "./math";
import { horizontalMax, horizontalSum } from "./simd";

const NEGATIVE_INFINITY: f32 = -Infinity;

/** Four mask bytes as lanes of all ones where the byte is not 0. */
@inline
function maskLanes(mask: usize): v128 {
  const bytes = v128.load32_zero(mask);
  return i32x4.ne(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes)), i32x4.splat(0));
}

/** s = s * scale + bias, -infinity where the mask is 0; returns the maximum. `bias` and `mask` are 0 or point at the row. */
export function finishScores(s: usize, n: i32, scale: f32, bias: usize, mask: usize): f32 {
  const scales = f32x4.splat(scale);
  const hidden = f32x4.splat(NEGATIVE_INFINITY);
  let maxima = hidden;
  let j = 0;
  for (; j + 4 <= n; j += 4) {
    const at = s + (<usize>j << 2);
    let x = f32x4.mul(v128.load(at), scales);
    if (bias) x = f32x4.add(x, v128.load(bias + (<usize>j << 2)));
    if (mask) x = v128.bitselect(x, hidden, maskLanes(mask + j));
    maxima = f32x4.pmax(maxima, x);
    v128.store(at, x);
  }
  let maximum = horizontalMax(maxima);
  for (; j < n; j++) {
    const at = s + (<usize>j << 2);
    let x = load<f32>(at) * scale;
    if (bias) x += load<f32>(bias + (<usize>j << 2));
    if (mask && !load<u8>(mask + j)) x = NEGATIVE_INFINITY;
    maximum = max(maximum, x);
    store<f32>(at, x);
  }
  return maximum;
}

/** s = exp(s - shift), returns the sum. */
export function exponentials(s: usize, n: i32, shift: f32): f32 {
  const shifts = f32x4.splat(shift);
  let sums = f32x4.splat(0);
  let j = 0;
  for (; j + 4 <= n; j += 4) {
    const at = s + (<usize>j << 2);
    const p = expFlush4(f32x4.sub(v128.load(at), shifts));
    sums = f32x4.add(sums, p);
    v128.store(at, p);
  }
  let sum = horizontalSum(sums);
  for (; j < n; j++) {
    const at = s + (<usize>j << 2);
    const p = f32x4.extract_lane(expFlush4(f32x4.splat(load<f32>(at) - shift)), 0);
    sum += p;
    store<f32>(at, p);
  }
  return sum;
}

/** d = p * (d - delta) * scale: the gradient of scores from that of probabilities. */
export function scoreGradients(p: usize, d: usize, n: i32, delta: f32, scale: f32): void {
  const deltas = f32x4.splat(delta);
  const scales = f32x4.splat(scale);
  let j = 0;
  for (; j + 4 <= n; j += 4) {
    const at = <usize>j << 2;
    v128.store(d + at, f32x4.mul(f32x4.mul(v128.load(p + at), f32x4.sub(v128.load(d + at), deltas)), scales));
  }
  for (; j < n; j++) {
    const at = <usize>j << 2;
    store<f32>(d + at, load<f32>(p + at) * (load<f32>(d + at) - delta) * scale);
  }
}

/** The inner product of two rows. */
export function dot(a: usize, b: usize, n: i32): f32 {
  let even = f32x4.splat(0);
  let odd = even;
  let j = 0;
  for (; j + 8 <= n; j += 8) {
    const at = <usize>j << 2;
    even = f32x4.add(even, f32x4.mul(v128.load(a + at), v128.load(b + at)));
    odd = f32x4.add(odd, f32x4.mul(v128.load(a + at, 16), v128.load(b + at, 16)));
  }
  let sum = horizontalSum(f32x4.add(even, odd));
  for (; j < n; j++) sum += load<f32>(a + (<usize>j << 2)) * load<f32>(b + (<usize>j << 2));
  return sum;
}

/** to = from * factor. */
export function scaleRow(from: usize, to: usize, n: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  let j = 0;
  for (; j + 4 <= n; j += 4) v128.store(to + (<usize>j << 2), f32x4.mul(v128.load(from + (<usize>j << 2)), factors));
  for (; j < n; j++) store<f32>(to + (<usize>j << 2), load<f32>(from + (<usize>j << 2)) * factor);
}

/** to += from * factor. */
export function addScaledRow(from: usize, to: usize, n: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  let j = 0;
  for (; j + 4 <= n; j += 4) {
    const at = <usize>j << 2;
    v128.store(to + at, f32x4.add(v128.load(to + at), f32x4.mul(v128.load(from + at), factors)));
  }
  for (; j < n; j++) {
    const at = <usize>j << 2;
    store<f32>(to + at, load<f32>(to + at) + load<f32>(from + at) * factor);
  }
}

/**
 * The rows of a [n, width] matrix as k-major panels of 8 rows: to[panel][k][8]. Rows past n are zeros.
 * This is the B operand of `scores = q k^T`.
 */
export function packRowsAsColumns(from: usize, n: i32, width: i32, to: usize): void {
  const stride = <usize>width << 2;
  for (let row = 0; row < n; row += 8) {
    for (let half = 0; half < 8; half += 4) {
      const first = row + half;
      const a = from + <usize>first * stride;
      if (first + 4 <= n) packFour(a, a + stride, a + 2 * stride, a + 3 * stride, width, to + (<usize>half << 2));
      else packTail(a, n - first, stride, width, to + (<usize>half << 2));
    }
    to += <usize>width << 5;
  }
}

function packFour(a: usize, b: usize, c: usize, d: usize, width: i32, to: usize): void {
  let k = 0;
  for (; k + 4 <= width; k += 4) {
    const x0 = v128.load(a), x1 = v128.load(b), x2 = v128.load(c), x3 = v128.load(d);
    const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
    const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
    v128.store(to, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 32);
    v128.store(to, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 64);
    v128.store(to, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 96);
    a += 16; b += 16; c += 16; d += 16;
    to += 128;
  }
  for (; k < width; k++) {
    store<f32>(to, load<f32>(a));
    store<f32>(to, load<f32>(b), 4);
    store<f32>(to, load<f32>(c), 8);
    store<f32>(to, load<f32>(d), 12);
    a += 4; b += 4; c += 4; d += 4;
    to += 32;
  }
}

/** As `packFour` with `n` < 4 rows (or none, n <= 0), the rest zeros. */
function packTail(a: usize, n: i32, stride: usize, width: i32, to: usize): void {
  for (let k = 0; k < width; k++) {
    for (let r = 0; r < 4; r++) {
      store<f32>(to + (<usize>r << 2), r < n ? load<f32>(a + <usize>r * stride + (<usize>k << 2)) : 0);
    }
    to += 32;
  }
}

/** Copies rows of `width` floats to rows of `padded` floats, zero-filled. */
export function padRows(from: usize, rows: i32, width: i32, padded: i32, to: usize): void {
  for (let r = 0; r < rows; r++) {
    memory.copy(to, from, <usize>width << 2);
    memory.fill(to + (<usize>width << 2), 0, <usize>(padded - width) << 2);
    from += <usize>width << 2;
    to += <usize>padded << 2;
  }
}

/** The reverse of `padRows`. */
export function unpadRows(from: usize, rows: i32, width: i32, padded: i32, to: usize): void {
  for (let r = 0; r < rows; r++) {
    memory.copy(to, from, <usize>width << 2);
    from += <usize>padded << 2;
    to += <usize>width << 2;
  }
}
