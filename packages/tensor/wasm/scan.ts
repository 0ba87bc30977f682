/** What goes through a line of elements in order: the position of the largest, and running sums. */

import { rowMax } from "./row";

function hasNaN(x: usize, n: i32): bool {
  let found = f32x4.splat(0);
  for (; n >= 8; n -= 8) {
    const x0 = v128.load(x), x1 = v128.load(x, 16);
    found = v128.or(found, v128.or(f32x4.ne(x0, x0), f32x4.ne(x1, x1)));
    x += 32;
  }
  for (; n > 0; n--) {
    found = v128.or(found, f32x4.ne(v128.load32_zero(x), v128.load32_zero(x)));
    x += 4;
  }
  return v128.any_true(found);
}

/** Position of the first NaN, else of the first largest, in a contiguous row. */
function argmaxRow(x: usize, n: i32): i32 {
  const sought: f32 = hasNaN(x, n) ? NaN : rowMax(x, n), all = f32x4.splat(sought);
  let i = 0;
  if (sought == sought) {
    while (i + 4 <= n && !v128.any_true(f32x4.eq(v128.load(x + (<usize>i << 2)), all))) i += 4;
    while (load<f32>(x + (<usize>i << 2)) != sought) i++;
  } else {
    while (load<f32>(x + (<usize>i << 2)) == load<f32>(x + (<usize>i << 2))) i++;
  }
  return i;
}

/** As `argmaxRow`, for elements `stride` bytes apart. */
function argmaxFloats(x: usize, n: i32, stride: usize): i32 {
  if (stride == 4) return argmaxRow(x, n);
  let best = 0, most = load<f32>(x);
  for (let i = 1; i < n && most == most; i++) {
    x += stride;
    const value = load<f32>(x);
    if (value <= most) continue;
    best = i;
    most = value;
  }
  return best;
}

function argmaxIntegers(x: usize, n: i32, stride: usize): i32 {
  let best = 0, most = load<i32>(x);
  for (let i = 1; i < n; i++) {
    x += stride;
    const value = load<i32>(x);
    if (value <= most) continue;
    best = i;
    most = value;
  }
  return best;
}

/** x [outer, n, inner] -> y int32 [outer, inner]. Arguments: 0 whether x is int32, 1 x, 2 y, 3 outer, 4 n, 5 inner, 6 lines a chunk. */
export function argmax(args: usize, chunk: i32): void {
  const n = load<i32>(args, 16), inner = load<i32>(args, 20), perChunk = load<i32>(args, 24);
  const end = min(load<i32>(args, 12) * inner, (chunk + 1) * perChunk), stride = <usize>inner << 2;
  for (let line = chunk * perChunk; line < end; line++) {
    const group = line / inner;
    const x = <usize>load<u32>(args, 4) + <usize>group * n * stride + (<usize>(line - group * inner) << 2);
    store<i32>(<usize>load<u32>(args, 8) + (<usize>line << 2), load<i32>(args) ? argmaxIntegers(x, n, stride) : argmaxFloats(x, n, stride));
  }
}

/**
 * Running sums, x [outer, n, inner] -> y, totals in float64 as the reference has them. Arguments: 0 operation (bit 0
 * int32, bit 1 from the end, bit 2 without the element itself), 1 x, 2 y, 3 outer, 4 n, 5 inner, 6 lines a chunk.
 */
export function cumulativeSum(args: usize, chunk: i32): void {
  const mode = load<i32>(args), n = load<i32>(args, 16), inner = load<i32>(args, 20), perChunk = load<i32>(args, 24);
  const end = min(load<i32>(args, 12) * inner, (chunk + 1) * perChunk);
  const stride = <usize>inner << 2, last = <usize>max(n - 1, 0) * stride;
  const step = mode & 2 ? <usize>0 - stride : stride, exclusive = (mode & 4) != 0;
  for (let line = chunk * perChunk; line < end; line++) {
    const group = line / inner;
    const skip = <usize>group * n * stride + (<usize>(line - group * inner) << 2) + (mode & 2 ? last : 0);
    let x = <usize>load<u32>(args, 4) + skip, y = <usize>load<u32>(args, 8) + skip;
    if (mode & 1) {
      let total = 0;
      for (let i = 0; i < n; i++) {
        const next = total + load<i32>(x);
        store<i32>(y, exclusive ? total : next);
        total = next;
        x += step;
        y += step;
      }
    } else {
      let total: f64 = 0;
      for (let i = 0; i < n; i++) {
        const next = total + <f64>load<f32>(x);
        store<f32>(y, <f32>(exclusive ? total : next));
        total = next;
        x += step;
        y += step;
      }
    }
  }
}
