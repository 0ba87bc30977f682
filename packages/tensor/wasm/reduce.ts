/**
 * Sums, maxima and minima along an axis. What is long is cut into segments by its length alone; the host calls again on
 * the results of segments. So the order of additions is fixed, and errors grow slowly.
 *
 * Operations: 0 sum, 1 max, 2 min of float32; 3 sum, 4 max, 5 min of int32.
 */

// @ts-ignore: decorator
@inline
function combine(op: i32, a: v128, b: v128): v128 {
  if (op == 0) return f32x4.add(a, b);
  if (op == 1) return f32x4.max(a, b);
  if (op == 2) return f32x4.min(a, b);
  if (op == 3) return i32x4.add(a, b);
  if (op == 4) return i32x4.max_s(a, b);
  return i32x4.min_s(a, b);
}

/** What changes nothing: the result over no elements. */
// @ts-ignore: decorator
@inline
function neutral(op: i32): v128 {
  if (op == 1) return f32x4.splat(-Infinity);
  if (op == 2) return f32x4.splat(Infinity);
  if (op == 4) return i32x4.splat(i32.MIN_VALUE);
  if (op == 5) return i32x4.splat(i32.MAX_VALUE);
  return i32x4.splat(0);
}

// @ts-ignore: decorator
@inline
function reduceRow(op: i32, x: usize, y: usize, n: i32): void {
  let r0 = neutral(op), r1 = r0, r2 = r0, r3 = r0;
  for (; n >= 16; n -= 16) {
    r0 = combine(op, r0, v128.load(x));
    r1 = combine(op, r1, v128.load(x, 16));
    r2 = combine(op, r2, v128.load(x, 32));
    r3 = combine(op, r3, v128.load(x, 48));
    x += 64;
  }
  for (; n >= 4; n -= 4) {
    r0 = combine(op, r0, v128.load(x));
    x += 16;
  }
  // A sum must count what is left once, a maximum may see it in every lane.
  const isSum = op == 0 || op == 3;
  for (; n > 0; n--) {
    r1 = combine(op, r1, isSum ? v128.load32_zero(x) : v128.load32_splat(x));
    x += 4;
  }
  r0 = combine(op, combine(op, r0, r1), combine(op, r2, r3));
  r0 = combine(op, r0, v128.shuffle<i32>(r0, r0, 2, 3, 0, 1));
  v128.store32_lane(y, combine(op, r0, v128.shuffle<i32>(r0, r0, 1, 0, 3, 2)), 0);
}

/**
 * x [rows, n] -> y [rows, segments]. Arguments: 0 operation, 1 x, 2 y, 3 rows, 4 n, 5 segments, 6 elements of a segment,
 * 7 segments a chunk.
 */
export function reduceRows(args: usize, chunk: i32): void {
  const op = load<i32>(args), n = load<i32>(args, 16), segments = load<i32>(args, 20), length = load<i32>(args, 24);
  const first = chunk * load<i32>(args, 28), end = min(load<i32>(args, 12) * segments, first + load<i32>(args, 28));
  for (let unit = first; unit < end; unit++) {
    const row = unit / segments, from = (unit - row * segments) * length;
    const count = min(length, n - from);
    const x = <usize>load<u32>(args, 4) + ((<usize>row * n + from) << 2), y = <usize>load<u32>(args, 8) + (<usize>unit << 2);
    switch (op) {
      case 0: reduceRow(0, x, y, count); break;
      case 1: reduceRow(1, x, y, count); break;
      case 2: reduceRow(2, x, y, count); break;
      case 3: reduceRow(3, x, y, count); break;
      case 4: reduceRow(4, x, y, count); break;
      default: reduceRow(5, x, y, count);
    }
  }
}

/** y = x combined over `rows` rows that lie `stride` bytes apart, for `width` columns. Takes four rows at a time. */
// @ts-ignore: decorator
@inline
function reduceBlock(op: i32, x: usize, stride: usize, rows: i32, y: usize, width: i32): void {
  let c = 0;
  const whole = width & ~3;
  for (; c < whole; c += 4) v128.store(y + (<usize>c << 2), neutral(op));
  for (; c < width; c++) v128.store32_lane(y + (<usize>c << 2), neutral(op), 0);
  for (; rows >= 4; rows -= 4) {
    const x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride;
    let at: usize = 0;
    for (c = 0; c + 8 <= width; c += 8) {
      const low = combine(op, combine(op, v128.load(x + at), v128.load(x1 + at)), combine(op, v128.load(x2 + at), v128.load(x3 + at)));
      const high = combine(op, combine(op, v128.load(x + at, 16), v128.load(x1 + at, 16)), combine(op, v128.load(x2 + at, 16), v128.load(x3 + at, 16)));
      v128.store(y + at, combine(op, v128.load(y + at), low));
      v128.store(y + at, combine(op, v128.load(y + at, 16), high), 16);
      at += 32;
    }
    for (; c < width; c++) {
      const low = combine(op, v128.load32_zero(x + at), v128.load32_zero(x1 + at));
      const high = combine(op, v128.load32_zero(x2 + at), v128.load32_zero(x3 + at));
      v128.store32_lane(y + at, combine(op, v128.load32_zero(y + at), combine(op, low, high)), 0);
      at += 4;
    }
    x = x3 + stride;
  }
  for (; rows > 0; rows--) {
    let at: usize = 0;
    for (c = 0; c < whole; c += 4) {
      v128.store(y + at, combine(op, v128.load(y + at), v128.load(x + at)));
      at += 16;
    }
    for (; c < width; c++) {
      v128.store32_lane(y + at, combine(op, v128.load32_zero(y + at), v128.load32_zero(x + at)), 0);
      at += 4;
    }
    x += stride;
  }
}

/**
 * x [outer, n, inner] -> y [outer, segments, inner]. Arguments: 0 operation, 1 x, 2 y, 3 outer, 4 n, 5 inner, 6 segments,
 * 7 rows of a segment, 8 column blocks, 9 columns of a block, 10 blocks a chunk.
 */
export function reduceColumns(args: usize, chunk: i32): void {
  const op = load<i32>(args), n = load<i32>(args, 16), inner = load<i32>(args, 20);
  const segments = load<i32>(args, 24), length = load<i32>(args, 28), blocks = load<i32>(args, 32), columns = load<i32>(args, 36);
  const first = chunk * load<i32>(args, 40), end = min(load<i32>(args, 12) * segments * blocks, first + load<i32>(args, 40));
  const stride = <usize>inner << 2;
  for (let unit = first; unit < end; unit++) {
    const line = unit / blocks, column = (unit - line * blocks) * columns;
    const group = line / segments, from = (line - group * segments) * length;
    const rows = min(length, n - from), width = min(columns, inner - column);
    const x = <usize>load<u32>(args, 4) + (<usize>group * n + from) * stride + (<usize>column << 2);
    const y = <usize>load<u32>(args, 8) + <usize>line * stride + (<usize>column << 2);
    switch (op) {
      case 0: reduceBlock(0, x, stride, rows, y, width); break;
      case 1: reduceBlock(1, x, stride, rows, y, width); break;
      case 2: reduceBlock(2, x, stride, rows, y, width); break;
      case 3: reduceBlock(3, x, stride, rows, y, width); break;
      case 4: reduceBlock(4, x, stride, rows, y, width); break;
      default: reduceBlock(5, x, stride, rows, y, width);
    }
  }
}

/** Position of the first NaN, else of the first largest. */
function argmaxFloats(x: usize, n: i32, stride: usize): i32 {
  let best = 0, most = load<f32>(x);
  if (stride == 4) {
    let r = f32x4.splat(-Infinity), i = 0;
    for (; i + 4 <= n; i += 4) r = f32x4.max(r, v128.load(x + (<usize>i << 2)));
    for (; i < n; i++) r = f32x4.max(r, v128.load32_splat(x + (<usize>i << 2)));
    r = f32x4.max(r, v128.shuffle<i32>(r, r, 2, 3, 0, 1));
    most = f32x4.extract_lane(f32x4.max(r, v128.shuffle<i32>(r, r, 1, 0, 3, 2)), 0);
    // most is NaN if any element is: then look for one that differs from itself.
    for (i = 0; i < n; i++) {
      const value = load<f32>(x + (<usize>i << 2));
      if (value == most || value != value) return i;
    }
    return 0;
  }
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
