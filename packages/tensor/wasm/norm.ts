/**
 * Layer norm and RMS norm over rows, and their gradients.
 *
 * Arguments: 0 x, 1 gain, 2 bias or 0, 3 y, 4 means, 5 reciprocal deviations, 6 rows, 7 length of a row, 8 rows a chunk,
 * 9 epsilon, 10 gradient of y, 11 dx or 0, 12 partial sums of the gradients of gain and bias or 0: 2 rows a chunk (RMS
 * norm: 1), which a later reduction adds.
 */
import { horizontalSum, madd } from "./simd";
import { rowSquares, rowSum } from "./row";

/** y = (x - mean) factor gain + bias. `bias` may be 0. */
function scaleAndShift(x: usize, y: usize, n: i32, mean: f32, factor: f32, gain: usize, bias: usize): void {
  const means = f32x4.splat(mean), factors = f32x4.splat(factor), zero = f32x4.splat(0);
  if (bias) {
    for (; n >= 8; n -= 8) {
      const v0 = madd(f32x4.mul(f32x4.sub(v128.load(x), means), factors), v128.load(gain), v128.load(bias));
      const v1 = madd(f32x4.mul(f32x4.sub(v128.load(x, 16), means), factors), v128.load(gain, 16), v128.load(bias, 16));
      v128.store(y, v0);
      v128.store(y, v1, 16);
      x += 32;
      y += 32;
      gain += 32;
      bias += 32;
    }
  } else {
    for (; n >= 8; n -= 8) {
      const v0 = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x), means), factors), v128.load(gain));
      const v1 = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x, 16), means), factors), v128.load(gain, 16));
      v128.store(y, v0);
      v128.store(y, v1, 16);
      x += 32;
      y += 32;
      gain += 32;
    }
  }
  for (; n > 0; n--) {
    const shift = bias ? v128.load32_zero(bias) : zero;
    v128.store32_lane(y, madd(f32x4.mul(f32x4.sub(v128.load32_zero(x), means), factors), v128.load32_zero(gain), shift), 0);
    x += 4;
    y += 4;
    gain += 4;
    if (bias) bias += 4;
  }
}

// Sums of the row at work: of distances from a number near the mean, and of their squares.
let distances: f32 = 0;
let squares: f32 = 0;

function moments(x: usize, n: i32, near: f32): void {
  const nears = f32x4.splat(near);
  let first0 = f32x4.splat(0), first1 = first0, second0 = first0, second1 = first0;
  for (; n >= 8; n -= 8) {
    const d0 = f32x4.sub(v128.load(x), nears), d1 = f32x4.sub(v128.load(x, 16), nears);
    first0 = f32x4.add(first0, d0);
    first1 = f32x4.add(first1, d1);
    second0 = madd(d0, d0, second0);
    second1 = madd(d1, d1, second1);
    x += 32;
  }
  distances = horizontalSum(f32x4.add(first0, first1));
  squares = horizontalSum(f32x4.add(second0, second1));
  for (; n > 0; n--) {
    const d = load<f32>(x) - near;
    distances += d;
    squares += d * d;
    x += 4;
  }
}

export function layerNorm(args: usize, chunk: i32): void {
  const n = load<i32>(args, 28), perChunk = load<i32>(args, 32), epsilon = load<f32>(args, 36);
  const end = min(load<i32>(args, 24), (chunk + 1) * perChunk);
  for (let row = chunk * perChunk; row < end; row++) {
    const at = <usize>row << 2, x = <usize>load<u32>(args) + at * n;
    const near = rowSum(x, n) / <f32>n;
    moments(x, n, near);
    // What rounding left of the mean is found with the squares.
    const correction = distances / <f32>n;
    const mean = near + correction;
    const factor: f32 = 1 / sqrt<f32>(squares / <f32>n - correction * correction + epsilon);
    scaleAndShift(x, <usize>load<u32>(args, 12) + at * n, n, mean, factor, <usize>load<u32>(args, 4), <usize>load<u32>(args, 8));
    store<f32>(<usize>load<u32>(args, 16) + at, mean);
    store<f32>(<usize>load<u32>(args, 20) + at, factor);
  }
}

export function rmsNorm(args: usize, chunk: i32): void {
  const n = load<i32>(args, 28), perChunk = load<i32>(args, 32), epsilon = load<f32>(args, 36);
  const end = min(load<i32>(args, 24), (chunk + 1) * perChunk);
  for (let row = chunk * perChunk; row < end; row++) {
    const at = <usize>row << 2, x = <usize>load<u32>(args) + at * n;
    const factor: f32 = 1 / sqrt<f32>(rowSquares(x, n) / <f32>n + epsilon);
    scaleAndShift(x, <usize>load<u32>(args, 12) + at * n, n, 0, factor, <usize>load<u32>(args, 4), 0);
    store<f32>(<usize>load<u32>(args, 20) + at, factor);
  }
}

// Averages over the row at work: of g gain, and of g gain h, where h = (x - mean) factor.
let average: f32 = 0;
let slope: f32 = 0;

/** Finds `average` and `slope`. */
function gradientMoments(x: usize, g: usize, gain: usize, n: i32, mean: f32, factor: f32): void {
  const means = f32x4.splat(mean), count = <f32>n;
  let first0 = f32x4.splat(0), first1 = first0, second0 = first0, second1 = first0;
  for (; n >= 8; n -= 8) {
    const p0 = f32x4.mul(v128.load(g), v128.load(gain)), p1 = f32x4.mul(v128.load(g, 16), v128.load(gain, 16));
    first0 = f32x4.add(first0, p0);
    first1 = f32x4.add(first1, p1);
    second0 = madd(p0, f32x4.sub(v128.load(x), means), second0);
    second1 = madd(p1, f32x4.sub(v128.load(x, 16), means), second1);
    x += 32;
    g += 32;
    gain += 32;
  }
  let first = horizontalSum(f32x4.add(first0, first1)), second = horizontalSum(f32x4.add(second0, second1));
  for (; n > 0; n--) {
    const p = load<f32>(g) * load<f32>(gain);
    first += p;
    second += p * (load<f32>(x) - mean);
    x += 4;
    g += 4;
    gain += 4;
  }
  average = first / count;
  slope = second * factor / count;
}

/** dx = (g gain - average - h slope) factor. */
function inputGradient(x: usize, g: usize, gain: usize, dx: usize, n: i32, mean: f32, factor: f32): void {
  const means = f32x4.splat(mean), factors = f32x4.splat(factor);
  const averages = f32x4.splat(average), slopes = f32x4.splat(-slope * factor);
  for (; n >= 8; n -= 8) {
    const p0 = f32x4.sub(f32x4.mul(v128.load(g), v128.load(gain)), averages);
    const p1 = f32x4.sub(f32x4.mul(v128.load(g, 16), v128.load(gain, 16)), averages);
    const v0 = f32x4.mul(madd(f32x4.sub(v128.load(x), means), slopes, p0), factors);
    const v1 = f32x4.mul(madd(f32x4.sub(v128.load(x, 16), means), slopes, p1), factors);
    v128.store(dx, v0);
    v128.store(dx, v1, 16);
    x += 32;
    g += 32;
    gain += 32;
    dx += 32;
  }
  for (; n > 0; n--) {
    const p = load<f32>(g) * load<f32>(gain) - average;
    store<f32>(dx, ((load<f32>(x) - mean) * (-slope * factor) + p) * factor);
    x += 4;
    g += 4;
    gain += 4;
    dx += 4;
  }
}

/** dgain += g h, and dbias += g unless it is 0. */
function addGradients(x: usize, g: usize, dgain: usize, dbias: usize, n: i32, mean: f32, factor: f32): void {
  const means = f32x4.splat(mean), factors = f32x4.splat(factor);
  for (; n >= 4; n -= 4) {
    const g0 = v128.load(g);
    v128.store(dgain, madd(g0, f32x4.mul(f32x4.sub(v128.load(x), means), factors), v128.load(dgain)));
    if (dbias) {
      v128.store(dbias, f32x4.add(g0, v128.load(dbias)));
      dbias += 16;
    }
    x += 16;
    g += 16;
    dgain += 16;
  }
  for (; n > 0; n--) {
    store<f32>(dgain, load<f32>(dgain) + load<f32>(g) * ((load<f32>(x) - mean) * factor));
    if (dbias) {
      store<f32>(dbias, load<f32>(dbias) + load<f32>(g));
      dbias += 4;
    }
    x += 4;
    g += 4;
    dgain += 4;
  }
}

@inline
function normBackward(args: usize, chunk: i32, centered: bool): void {
  const n = load<i32>(args, 28), perChunk = load<i32>(args, 32), gain = <usize>load<u32>(args, 4);
  const end = min(load<i32>(args, 24), (chunk + 1) * perChunk);
  const bytes = <usize>n << 2;
  const dgain = load<u32>(args, 48) ? <usize>load<u32>(args, 48) + <usize>chunk * bytes * (centered ? 2 : 1) : 0;
  const dbias = dgain && centered ? dgain + bytes : 0;
  if (dgain) memory.fill(dgain, 0, centered ? 2 * bytes : bytes);
  for (let row = chunk * perChunk; row < end; row++) {
    const at = <usize>row << 2;
    const x = <usize>load<u32>(args) + at * n, g = <usize>load<u32>(args, 40) + at * n;
    const mean: f32 = centered ? load<f32>(<usize>load<u32>(args, 16) + at) : 0;
    const factor = load<f32>(<usize>load<u32>(args, 20) + at);
    if (load<u32>(args, 44)) {
      gradientMoments(x, g, gain, n, mean, factor);
      if (!centered) average = 0;
      inputGradient(x, g, gain, <usize>load<u32>(args, 44) + at * n, n, mean, factor);
    }
    if (dgain) addGradients(x, g, dgain, dbias, n, mean, factor);
  }
}

export function layerNormBackward(args: usize, chunk: i32): void {
  normBackward(args, chunk, true);
}

export function rmsNormBackward(args: usize, chunk: i32): void {
  normBackward(args, chunk, false);
}
