/**
 * Passes over one contiguous row of float32, shared by the kernels of rows. Loops handle two neighboring vectors a turn.
 *
 * Sums keep eight running totals and add the rest one by one: the order depends on the length alone.
 */
import { expFlush4 } from "./math";
import { horizontalSum, madd } from "./simd";

/** The largest element, NaN left out; -infinity if there is none. */
export function rowMax(x: usize, n: i32): f32 {
  let most0 = f32x4.splat(-Infinity), most1 = most0;
  for (; n >= 8; n -= 8) {
    most0 = f32x4.pmax(most0, v128.load(x));
    most1 = f32x4.pmax(most1, v128.load(x, 16));
    x += 32;
  }
  most0 = f32x4.pmax(most0, most1);
  for (; n > 0; n--) {
    most0 = f32x4.pmax(most0, v128.load32_splat(x));
    x += 4;
  }
  const pairs = f32x4.pmax(most0, v128.shuffle<f32>(most0, most0, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2)), 0);
}

/** The sum. */
export function rowSum(x: usize, n: i32): f32 {
  let sum0 = f32x4.splat(0), sum1 = sum0;
  for (; n >= 8; n -= 8) {
    sum0 = f32x4.add(sum0, v128.load(x));
    sum1 = f32x4.add(sum1, v128.load(x, 16));
    x += 32;
  }
  let sum = horizontalSum(f32x4.add(sum0, sum1));
  for (; n > 0; n--) {
    sum += load<f32>(x);
    x += 4;
  }
  return sum;
}

/** The sum of squares. */
export function rowSquares(x: usize, n: i32): f32 {
  let sum0 = f32x4.splat(0), sum1 = sum0;
  for (; n >= 8; n -= 8) {
    const x0 = v128.load(x), x1 = v128.load(x, 16);
    sum0 = madd(x0, x0, sum0);
    sum1 = madd(x1, x1, sum1);
    x += 32;
  }
  let sum = horizontalSum(f32x4.add(sum0, sum1));
  for (; n > 0; n--) {
    sum += load<f32>(x) * load<f32>(x);
    x += 4;
  }
  return sum;
}

/** The sum of products. */
export function rowDot(a: usize, b: usize, n: i32): f32 {
  let sum0 = f32x4.splat(0), sum1 = sum0;
  for (; n >= 8; n -= 8) {
    sum0 = madd(v128.load(a), v128.load(b), sum0);
    sum1 = madd(v128.load(a, 16), v128.load(b, 16), sum1);
    a += 32;
    b += 32;
  }
  let sum = horizontalSum(f32x4.add(sum0, sum1));
  for (; n > 0; n--) {
    sum += load<f32>(a) * load<f32>(b);
    a += 4;
    b += 4;
  }
  return sum;
}

/** y = e^(x - shift); returns the sum. */
export function rowExponentials(x: usize, y: usize, n: i32, shift: f32): f32 {
  const shifts = f32x4.splat(shift);
  let sum0 = f32x4.splat(0), sum1 = sum0;
  for (; n >= 8; n -= 8) {
    const e0 = expFlush4(f32x4.sub(v128.load(x), shifts)), e1 = expFlush4(f32x4.sub(v128.load(x, 16), shifts));
    v128.store(y, e0);
    v128.store(y, e1, 16);
    sum0 = f32x4.add(sum0, e0);
    sum1 = f32x4.add(sum1, e1);
    x += 32;
    y += 32;
  }
  let sum = horizontalSum(f32x4.add(sum0, sum1));
  for (; n > 0; n--) {
    const e = f32x4.extract_lane(expFlush4(f32x4.splat(load<f32>(x) - shift)), 0);
    store<f32>(y, e);
    sum += e;
    x += 4;
    y += 4;
  }
  return sum;
}

/** The sum of e^(x - shift), the same bits as from `rowExponentials`. */
export function rowExponentialSum(x: usize, n: i32, shift: f32): f32 {
  const shifts = f32x4.splat(shift);
  let sum0 = f32x4.splat(0), sum1 = sum0;
  for (; n >= 8; n -= 8) {
    sum0 = f32x4.add(sum0, expFlush4(f32x4.sub(v128.load(x), shifts)));
    sum1 = f32x4.add(sum1, expFlush4(f32x4.sub(v128.load(x, 16), shifts)));
    x += 32;
  }
  let sum = horizontalSum(f32x4.add(sum0, sum1));
  for (; n > 0; n--) {
    sum += f32x4.extract_lane(expFlush4(f32x4.splat(load<f32>(x) - shift)), 0);
    x += 4;
  }
  return sum;
}

/** y = x * factor. */
export function rowScale(x: usize, y: usize, n: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  for (; n >= 8; n -= 8) {
    const v0 = f32x4.mul(v128.load(x), factors);
    const v1 = f32x4.mul(v128.load(x, 16), factors);
    v128.store(y, v0);
    v128.store(y, v1, 16);
    x += 32;
    y += 32;
  }
  for (; n > 0; n--) {
    store<f32>(y, load<f32>(x) * factor);
    x += 4;
    y += 4;
  }
}
