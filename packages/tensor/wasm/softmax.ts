/** Softmax and its logarithm over rows. Arguments: 0 to 2 addresses, 3 rows, 4 length of a row, 5 rows a chunk. */
import { expFlush4, log1 } from "./math";
import { rowDot, rowExponentialSum, rowExponentials, rowMax, rowScale, rowSum } from "./row";

/** The first row of a chunk, and the one after its last. */
@inline
function firstRow(args: usize, chunk: i32): i32 {
  return chunk * load<i32>(args, 20);
}

@inline
function endRow(args: usize, chunk: i32): i32 {
  return min(load<i32>(args, 12), (chunk + 1) * load<i32>(args, 20));
}

/** 0 x, 1 y. */
export function softmax(args: usize, chunk: i32): void {
  const n = load<i32>(args, 16), end = endRow(args, chunk);
  for (let row = firstRow(args, chunk); row < end; row++) {
    const skip = <usize>row * n << 2;
    const x = <usize>load<u32>(args) + skip, y = <usize>load<u32>(args, 4) + skip;
    const sum = rowExponentials(x, y, n, rowMax(x, n));
    rowScale(y, y, n, 1 / sum);
  }
}

/** 0 y, 1 gradient of y, 2 dx = y (g - sum(y g)). */
export function softmaxBackward(args: usize, chunk: i32): void {
  const n = load<i32>(args, 16), end = endRow(args, chunk);
  for (let row = firstRow(args, chunk); row < end; row++) {
    const skip = <usize>row * n << 2;
    let y = <usize>load<u32>(args) + skip, g = <usize>load<u32>(args, 4) + skip, dx = <usize>load<u32>(args, 8) + skip;
    const mean = rowDot(y, g, n), means = f32x4.splat(mean);
    let left = n;
    for (; left >= 8; left -= 8) {
      const v0 = f32x4.mul(v128.load(y), f32x4.sub(v128.load(g), means));
      const v1 = f32x4.mul(v128.load(y, 16), f32x4.sub(v128.load(g, 16), means));
      v128.store(dx, v0);
      v128.store(dx, v1, 16);
      y += 32;
      g += 32;
      dx += 32;
    }
    for (; left > 0; left--) {
      store<f32>(dx, load<f32>(y) * (load<f32>(g) - mean));
      y += 4;
      g += 4;
      dx += 4;
    }
  }
}

/** 0 x, 1 y. */
export function logSoftmax(args: usize, chunk: i32): void {
  const n = load<i32>(args, 16), end = endRow(args, chunk);
  for (let row = firstRow(args, chunk); row < end; row++) {
    const skip = <usize>row * n << 2;
    let x = <usize>load<u32>(args) + skip, y = <usize>load<u32>(args, 4) + skip;
    const most = rowMax(x, n), rest = log1(rowExponentialSum(x, n, most));
    const mosts = f32x4.splat(most), rests = f32x4.splat(rest);
    let left = n;
    for (; left >= 8; left -= 8) {
      const v0 = f32x4.sub(f32x4.sub(v128.load(x), mosts), rests);
      const v1 = f32x4.sub(f32x4.sub(v128.load(x, 16), mosts), rests);
      v128.store(y, v0);
      v128.store(y, v1, 16);
      x += 32;
      y += 32;
    }
    for (; left > 0; left--) {
      store<f32>(y, load<f32>(x) - most - rest);
      x += 4;
      y += 4;
    }
  }
}

/** 0 y, 1 gradient of y, 2 dx = g - e^y sum(g). */
export function logSoftmaxBackward(args: usize, chunk: i32): void {
  const n = load<i32>(args, 16), end = endRow(args, chunk);
  for (let row = firstRow(args, chunk); row < end; row++) {
    const skip = <usize>row * n << 2;
    let y = <usize>load<u32>(args) + skip, g = <usize>load<u32>(args, 4) + skip, dx = <usize>load<u32>(args, 8) + skip;
    const sums = f32x4.splat(rowSum(g, n));
    let left = n;
    for (; left >= 8; left -= 8) {
      const v0 = f32x4.sub(v128.load(g), f32x4.mul(expFlush4(v128.load(y)), sums));
      const v1 = f32x4.sub(v128.load(g, 16), f32x4.mul(expFlush4(v128.load(y, 16)), sums));
      v128.store(dx, v0);
      v128.store(dx, v1, 16);
      y += 32;
      g += 32;
      dx += 32;
    }
    for (; left > 0; left--) {
      v128.store32_lane(dx, f32x4.sub(v128.load32_zero(g), f32x4.mul(expFlush4(v128.load32_zero(y)), sums)), 0);
      y += 4;
      g += 4;
      dx += 4;
    }
  }
}
