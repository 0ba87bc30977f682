/**
 * Sums, maxima and minima along an axis. What is long is cut into segments by its length alone; the host calls again on
 * the results of segments. So the order of additions is fixed, and errors grow slowly.
 */

/** Operations: 0 sum, 1 max, 2 min of float32; 3 sum, 4 max, 5 min of int32. */
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
@inline
function neutral(op: i32): v128 {
  if (op == 1) return f32x4.splat(-Infinity);
  if (op == 2) return f32x4.splat(Infinity);
  if (op == 4) return i32x4.splat(i32.MIN_VALUE);
  if (op == 5) return i32x4.splat(i32.MAX_VALUE);
  return i32x4.splat(0);
}

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
 * x [rows, n] -> y [rows, segments]. Arguments: 0 x, 1 y, 2 rows, 3 n, 4 segments, 5 elements of a segment, 6 segments a
 * chunk.
 */
@inline
function rows(op: i32, args: usize, chunk: i32): void {
  const n = load<i32>(args, 12), segments = load<i32>(args, 16), length = load<i32>(args, 20);
  const first = chunk * load<i32>(args, 24), end = min(load<i32>(args, 8) * segments, first + load<i32>(args, 24));
  for (let unit = first; unit < end; unit++) {
    const row = unit / segments, from = (unit - row * segments) * length;
    const count = min(length, n - from);
    const x = <usize>load<u32>(args) + ((<usize>row * n + from) << 2), y = <usize>load<u32>(args, 4) + (<usize>unit << 2);
    reduceRow(op, x, y, count);
  }
}

/** y = x combined over `rows` rows that lie `stride` bytes apart, for `width` columns. Takes four rows at a time. */
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
      const v0 = combine(op, v128.load(y + at), low);
      const v1 = combine(op, v128.load(y + at, 16), high);
      v128.store(y + at, v0);
      v128.store(y + at, v1, 16);
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
 * x [outer, n, inner] -> y [outer, segments, inner]. Arguments: 0 x, 1 y, 2 outer, 3 n, 4 inner, 5 segments, 6 rows of a
 * segment, 7 column blocks, 8 columns of a block, 9 blocks a chunk.
 */
@inline
function columns(op: i32, args: usize, chunk: i32): void {
  const n = load<i32>(args, 12), inner = load<i32>(args, 16);
  const segments = load<i32>(args, 20), length = load<i32>(args, 24), blocks = load<i32>(args, 28), most = load<i32>(args, 32);
  const first = chunk * load<i32>(args, 36), end = min(load<i32>(args, 8) * segments * blocks, first + load<i32>(args, 36));
  const stride = <usize>inner << 2;
  for (let unit = first; unit < end; unit++) {
    const line = unit / blocks, column = (unit - line * blocks) * most;
    const group = line / segments, from = (line - group * segments) * length;
    const count = min(length, n - from), width = min(most, inner - column);
    const x = <usize>load<u32>(args) + (<usize>group * n + from) * stride + (<usize>column << 2);
    const y = <usize>load<u32>(args, 4) + <usize>line * stride + (<usize>column << 2);
    reduceBlock(op, x, stride, count, y, width);
  }
}

// A kernel for each operation: a switch inside one would make the loops one loop that switches.

export function sumRows(args: usize, chunk: i32): void {
  rows(0, args, chunk);
}

export function maxRows(args: usize, chunk: i32): void {
  rows(1, args, chunk);
}

export function minRows(args: usize, chunk: i32): void {
  rows(2, args, chunk);
}

export function sumIntRows(args: usize, chunk: i32): void {
  rows(3, args, chunk);
}

export function maxIntRows(args: usize, chunk: i32): void {
  rows(4, args, chunk);
}

export function minIntRows(args: usize, chunk: i32): void {
  rows(5, args, chunk);
}

export function sumColumns(args: usize, chunk: i32): void {
  columns(0, args, chunk);
}

export function maxColumns(args: usize, chunk: i32): void {
  columns(1, args, chunk);
}

export function minColumns(args: usize, chunk: i32): void {
  columns(2, args, chunk);
}

export function sumIntColumns(args: usize, chunk: i32): void {
  columns(3, args, chunk);
}

export function maxIntColumns(args: usize, chunk: i32): void {
  columns(4, args, chunk);
}

export function minIntColumns(args: usize, chunk: i32): void {
  columns(5, args, chunk);
}
