/** AdamW over all parameters in one pass, and the sums of squares behind the global norm. */
import { float, word } from "./arguments";

/** The row of a table of tensors that a chunk belongs to; rows are `stride` bytes, their first chunk is at word `first`. */
function rowOf(table: usize, rows: i32, stride: usize, first: usize, chunk: i32): usize {
  let low = 0, high = rows - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (word(table + <usize>middle * stride, first) <= chunk) low = middle;
    else high = middle - 1;
  }
  return table + <usize>low * stride;
}

/**
 * One AdamW update.
 *
 * Arguments: 0 table, 1 rows, 2 scale's address, 3 beta1, 4 1 - beta1, 5 beta2, 6 1 - beta2, 7 epsilon,
 * 8 1 / sqrt(1 - beta2^t), 9 elements per chunk. A table row: parameter, gradient, first moment, second moment,
 * elements, first chunk, lr / (1 - beta1^t), 1 - lr * decay.
 */
export function adamwUpdate(args: usize, chunk: i32): void {
  const row = rowOf(word(args, 0), word(args, 1), 32, 5, chunk), perChunk = word(args, 9);
  const start = (chunk - word(row, 5)) * perChunk, n = min(perChunk, word(row, 4) - start);
  const offset = <usize>start << 2;
  let p = <usize>word(row, 0) + offset, g = <usize>word(row, 1) + offset, m = <usize>word(row, 2) + offset, v = <usize>word(row, 3) + offset;
  const scale = load<f32>(word(args, 2)), rate = float(row, 6), kept = float(row, 7);
  const beta1 = float(args, 3), rest1 = float(args, 4), beta2 = float(args, 5), rest2 = float(args, 6), epsilon = float(args, 7), root2 = float(args, 8);
  let i = 0;
  for (; i + 4 <= n; i += 4, p += 16, g += 16, m += 16, v += 16) {
    const x = f32x4.mul(v128.load(g), f32x4.splat(scale));
    const first = f32x4.add(f32x4.mul(v128.load(m), f32x4.splat(beta1)), f32x4.mul(x, f32x4.splat(rest1)));
    const second = f32x4.add(f32x4.mul(v128.load(v), f32x4.splat(beta2)), f32x4.mul(f32x4.mul(x, x), f32x4.splat(rest2)));
    const divisor = f32x4.add(f32x4.mul(f32x4.sqrt(second), f32x4.splat(root2)), f32x4.splat(epsilon));
    v128.store(m, first);
    v128.store(v, second);
    v128.store(p, f32x4.sub(f32x4.mul(v128.load(p), f32x4.splat(kept)), f32x4.div(f32x4.mul(first, f32x4.splat(rate)), divisor)));
  }
  for (; i < n; i++, p += 4, g += 4, m += 4, v += 4) {
    const x = load<f32>(g) * scale;
    const first = load<f32>(m) * beta1 + x * rest1;
    const second = load<f32>(v) * beta2 + x * x * rest2;
    store<f32>(m, first);
    store<f32>(v, second);
    store<f32>(p, load<f32>(p) * kept - (first * rate) / (sqrt(second) * root2 + epsilon));
  }
}

/** Sums of squares in float64. Arguments: 0 table, 1 rows, 2 sums (8 bytes per chunk), 3 elements per chunk. A row: address, elements, first chunk, 0. */
export function sumSquares(args: usize, chunk: i32): void {
  const row = rowOf(word(args, 0), word(args, 1), 16, 2, chunk), perChunk = word(args, 3);
  const start = (chunk - word(row, 2)) * perChunk, n = min(perChunk, word(row, 1) - start);
  let x = <usize>word(row, 0) + (<usize>start << 2);
  let low = f64x2.splat(0), high = low;
  let i = 0;
  for (; i + 4 <= n; i += 4, x += 16) {
    const values = v128.load(x);
    const first = f64x2.promote_low_f32x4(values), second = f64x2.promote_low_f32x4(v128.shuffle<i64>(values, values, 1, 0));
    low = f64x2.add(low, f64x2.mul(first, first));
    high = f64x2.add(high, f64x2.mul(second, second));
  }
  const sums = f64x2.add(low, high);
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  for (; i < n; i++, x += 4) sum += <f64>load<f32>(x) * <f64>load<f32>(x);
  store<f64>(<usize>word(args, 2) + (<usize>chunk << 3), sum);
}
