/**
 * Softmax cross-entropy of rows of logits.
 *
 * Arguments: 0 logits, 1 targets, 2 weights or 0, 3 losses, 4 logSumExp, 5 rows, 6 classes, 7 rows a chunk, 8 label
 * smoothing s, 9 ignored target, 10 gradient of the losses, 11 gradient of the logits.
 */
import { expFlush4, log1 } from "./math";
import { rowExponentialSum, rowMax, rowSum } from "./row";

/** losses = weight ((1 - s) (-log p of the target) + s (-average of log p)), 0 where ignored. */
export function softmaxCrossEntropy(args: usize, chunk: i32): void {
  const classes = load<i32>(args, 24), perChunk = load<i32>(args, 28), s = load<f32>(args, 32), ignored = load<i32>(args, 36);
  const weights = <usize>load<u32>(args, 8);
  const end = min(load<i32>(args, 20), (chunk + 1) * perChunk);
  for (let row = chunk * perChunk; row < end; row++) {
    const at = <usize>row << 2, x = <usize>load<u32>(args) + at * classes;
    const target = load<i32>(<usize>load<u32>(args, 4) + at);
    let loss: f32 = 0, total: f32 = 0;
    if (target != ignored) {
      const most = rowMax(x, classes), rest = log1(rowExponentialSum(x, classes, most));
      const chosen = <usize>max(0, min(target, classes - 1));
      loss = rest - (load<f32>(x + (chosen << 2)) - most);
      if (s != 0) loss = (1 - s) * loss + s * (rest - (rowSum(x, classes) / <f32>classes - most));
      if (weights) loss *= load<f32>(weights + at);
      total = most + rest;
    }
    store<f32>(<usize>load<u32>(args, 12) + at, loss);
    store<f32>(<usize>load<u32>(args, 16) + at, total);
  }
}

/** dlogits = g weight (p - (1 - s) [target] - s / classes), 0 where ignored. */
export function softmaxCrossEntropyBackward(args: usize, chunk: i32): void {
  const classes = load<i32>(args, 24), perChunk = load<i32>(args, 28), s = load<f32>(args, 32), ignored = load<i32>(args, 36);
  const weights = <usize>load<u32>(args, 8);
  const end = min(load<i32>(args, 20), (chunk + 1) * perChunk);
  for (let row = chunk * perChunk; row < end; row++) {
    const at = <usize>row << 2, skip = at * classes;
    const x = <usize>load<u32>(args) + skip, dx = <usize>load<u32>(args, 44) + skip;
    const target = load<i32>(<usize>load<u32>(args, 4) + at);
    if (target == ignored) {
      memory.fill(dx, 0, <usize>classes << 2);
      continue;
    }
    let factor = load<f32>(<usize>load<u32>(args, 40) + at);
    if (weights) factor *= load<f32>(weights + at);
    probabilityGradients(x, dx, classes, load<f32>(<usize>load<u32>(args, 16) + at), factor, s / <f32>classes);
    const chosen = dx + (<usize>max(0, min(target, classes - 1)) << 2);
    store<f32>(chosen, load<f32>(chosen) - factor * (1 - s));
  }
}

/** dx = factor (e^(x - shift) - share). */
function probabilityGradients(x: usize, dx: usize, n: i32, shift: f32, factor: f32, share: f32): void {
  const shifts = f32x4.splat(shift), factors = f32x4.splat(factor), shares = f32x4.splat(share);
  for (; n >= 8; n -= 8) {
    const v0 = f32x4.mul(factors, f32x4.sub(expFlush4(f32x4.sub(v128.load(x), shifts)), shares));
    const v1 = f32x4.mul(factors, f32x4.sub(expFlush4(f32x4.sub(v128.load(x, 16), shifts)), shares));
    v128.store(dx, v0);
    v128.store(dx, v1, 16);
    x += 32;
    dx += 32;
  }
  for (; n > 0; n--) {
    v128.store32_lane(dx, f32x4.mul(factors, f32x4.sub(expFlush4(f32x4.sub(v128.load32_zero(x), shifts)), shares)), 0);
    x += 4;
    dx += 4;
  }
}
