/**
 * Scaled dot-product attention, a tile of query rows at a time.
 *
 * A tile's scores span only the keys that one of its rows may see, and never leave the cache: memory is
 * TILE x S, not T x S, and a causal mask skips what lies above the diagonal. A tile sees all its keys at once, so the
 * softmax is the ordinary two-pass one. The backward pass computes the probabilities again from the saved log-sum-exp.
 * @see Dao et al. 2022, FlashAttention, arXiv:2205.14135 (recomputation); here without its running rescale.
 *
 * Arguments, 32-bit words: 0 q, 1 k, 2 v, 3 mask, 4 bias, 5 y, 6 logSumExp, 7 H, 8 G, 9 T, 10 S, 11 D, 12 Dv, 13 scale,
 * 14 mask rows per batch, 15 per head, 16 bias rows per batch, 17 per head (0 where broadcast), 18 ranges,
 * 19 whether wide tiles are fast, 20 gradient of y, 21 dq, 22 dk, 23 dv. `mask`, `bias` and `ranges` may be 0.
 * `ranges` holds, per mask row, the first visible key, the one after the last, and 1 if all between are visible.
 */
import { address, word } from "./arguments";
import { MR, tileColumns, tileRows } from "./attention-micro";
import {
  addScaledRow, dot, exponentials, finishScores, packRowsAsColumns, padRows, scaleRow, scoreGradients, unpadRows,
} from "./attention-rows";
import { log1 } from "./math";
import { wideTileInPlace, wideTilePacked } from "./matmul-wide";
import { threadScratch } from "./scratch";

/** Query rows per tile: a multiple of MR. */
const TILE: i32 = 24;

// The head at work. Each thread has its own instance, so these are per thread.
let q: usize, k: usize, v: usize, y: usize, logSumExp: usize, g: usize;
let mask: usize, bias: usize, ranges: usize;
let T: i32, S: i32, D: i32, Dv: i32, scale: f32;
let wide: bool;
/** Sixteen zeros, which wide tiles start from. */
let zeros: usize;
// Its widths and length rounded up to whole vectors, and the tile at work: rows from t0, keys firstKey to endKey.
let Dp: i32, Dvp: i32, Sp: i32;
let t0: i32, rows: i32, firstKey: i32, endKey: i32;
// The visible keys of the row at work.
let low: i32, high: i32, dense: bool;

// @ts-ignore: decorator
@inline
function floats(count: i32): usize {
  return <usize>count << 2;
}

function enterHead(args: usize, b: i32, h: i32): void {
  const H = word(args, 7), G = word(args, 8);
  T = word(args, 9); S = word(args, 10); D = word(args, 11); Dv = word(args, 12);
  scale = load<f32>(args, 52);
  wide = word(args, 19) != 0;
  Dp = (D + 7) & ~7; Dvp = (Dv + 7) & ~7; Sp = (S + 7) & ~7;
  const queryHead = <usize>(b * H + h), keyHead = <usize>(b * G + h / (H / G));
  q = address(args, 0) + queryHead * floats(T * D);
  k = address(args, 1) + keyHead * floats(S * D);
  v = address(args, 2) + keyHead * floats(S * Dv);
  y = address(args, 5) + queryHead * floats(T * Dv);
  logSumExp = address(args, 6) + queryHead * floats(T);
  g = address(args, 20) + queryHead * floats(T * Dv);
  const maskRow = <usize>(b * word(args, 14) + h * word(args, 15)), biasRow = <usize>(b * word(args, 16) + h * word(args, 17));
  mask = word(args, 3) ? address(args, 3) + maskRow * <usize>S : 0;
  ranges = word(args, 18) ? address(args, 18) + maskRow * 12 : 0;
  bias = word(args, 4) ? address(args, 4) + biasRow * floats(S) : 0;
}

function enterRow(t: i32): void {
  low = ranges ? load<i32>(ranges + <usize>t * 12) : 0;
  high = ranges ? load<i32>(ranges + <usize>t * 12, 4) : S;
  dense = ranges ? load<i32>(ranges + <usize>t * 12, 8) != 0 : true;
}

/** Finds the keys that a row of the tile sees; firstKey is a whole number of panels. */
function enterTile(start: i32): void {
  t0 = start;
  rows = min(TILE, T - start);
  firstKey = S;
  endKey = 0;
  for (let r = 0; r < rows; r++) {
    enterRow(t0 + r);
    if (low >= high) continue;
    firstKey = min(firstKey, low);
    endKey = max(endKey, high);
  }
  firstKey &= ~7;
}

/** Where key `low` of the row at work stands in the mask or bias, or 0. */
// @ts-ignore: decorator
@inline
function biasAt(t: i32): usize {
  return bias ? bias + floats(t * S + low) : 0;
}

// @ts-ignore: decorator
@inline
function maskAt(t: i32): usize {
  return dense ? 0 : mask + <usize>(t * S + low);
}

/** tile[rows x keys] = a rows . b columns, `panels` as made by packRowsAsColumns. Rows up to TILE are written. */
function multiplyByPanels(a: usize, width: i32, panels: usize, tile: usize): void {
  const stride = floats(Sp), panelBytes = floats(width << 3);
  let key = firstKey;
  if (wide) {
    for (; key + 8 < endKey; key += 16) {
      const panel = panels + floats(key * width);
      for (let r = 0; r < rows; r += MR) {
        wideTileInPlace(width, a + floats(r * width), floats(width), min(MR, rows - r) - 1, panel, 32, panelBytes, zeros, 0, tile + <usize>r * stride + floats(key - firstKey), stride);
      }
    }
  }
  for (; key < endKey; key += 8) {
    const panel = panels + floats(key * width);
    for (let r = 0; r < rows; r += MR) {
      tileRows(width, a + floats(r * width), floats(width), panel, 32, tile + <usize>r * stride + floats(key - firstKey), stride, min(MR, rows - r));
    }
  }
}

/** out[rows x width] = tile[rows x keys] . b[keys x width]. Rows up to TILE are written. */
function multiplyTile(tile: usize, b: usize, width: i32, out: usize): void {
  const keys = endKey - firstKey, stride = floats(width), first = b + floats(firstKey * width);
  let column = 0;
  if (wide) {
    for (; column + 16 <= width; column += 16) {
      for (let r = 0; r < rows; r += MR) {
        wideTileInPlace(keys, tile + <usize>r * floats(Sp), floats(Sp), min(MR, rows - r) - 1, first + floats(column), stride, 32, zeros, 0, out + floats(r * width + column), stride);
      }
    }
  }
  for (; column < width; column += 8) {
    for (let r = 0; r < rows; r += MR) {
      tileRows(keys, tile + <usize>r * floats(Sp), floats(Sp), first + floats(column), stride, out + floats(r * width + column), stride, min(MR, rows - r));
    }
  }
}

/** out[keys x width] += tile[rows x keys]^T . b[rows x width]. */
function addTransposedTile(tile: usize, b: usize, width: i32, out: usize): void {
  const stride = floats(width);
  for (let key = firstKey; key < endKey; key += MR) {
    const a = tile + floats(key - firstKey), rowsOfOut = min(MR, endKey - key);
    let column = 0;
    if (wide && rowsOfOut == MR) {
      for (; column + 16 <= width; column += 16) {
        const cell = out + floats(key * width + column);
        wideTilePacked(rows, a, floats(Sp), b + floats(column), stride, 32, cell, stride, cell, stride);
      }
    }
    for (; column < width; column += 8) {
      tileColumns(rows, a, floats(Sp), b + floats(column), stride, out + floats(key * width + column), stride, rowsOfOut);
    }
  }
}

/** Zeros what lies outside the visible keys of the row at work. */
function clearOutside(row: usize): void {
  const visible = max(high - low, 0);
  if (!visible) {
    if (endKey > firstKey) memory.fill(row, 0, floats(endKey - firstKey));
    return;
  }
  memory.fill(row, 0, floats(low - firstKey));
  memory.fill(row + floats(high - firstKey), 0, floats(endKey - high));
}

/** `x` itself, or a copy in `to` with rows of whole vectors. */
function wholeRows(x: usize, count: i32, width: i32, padded: i32, to: usize): usize {
  if (width == padded) return x;
  padRows(x, count, width, padded, to);
  return to;
}

/** Scratch memory, with `zeros` before it. */
function scratchAfterZeros(bytes: usize): usize {
  zeros = threadScratch(bytes + 64);
  memory.fill(zeros, 0, 64);
  return zeros + 64;
}

/** One chunk: one query head. */
export function scaledDotProductAttention(args: usize, chunk: i32): void {
  const H = word(args, 7);
  enterHead(args, chunk / H, chunk % H);
  if (T <= 4) {
    for (let t = 0; t < T; t++) attendOne(t, threadScratch(floats(S)));
    return;
  }
  const panels = scratchAfterZeros(floats(Sp * D + S * Dvp + TILE * (Sp + Dvp + 1)));
  const tile = panels + floats(Sp * D), out = tile + floats(TILE * Sp), factors = out + floats(TILE * Dvp);
  packRowsAsColumns(k, S, D, panels);
  const values = wholeRows(v, S, Dv, Dvp, factors + floats(TILE));
  for (let start = 0; start < T; start += TILE) {
    enterTile(start);
    multiplyByPanels(q + floats(start * D), D, panels, tile);
    for (let r = 0; r < rows; r++) store<f32>(factors + floats(r), softmaxRow(start + r, tile + <usize>r * floats(Sp)));
    multiplyTile(tile, values, Dvp, out);
    for (let r = 0; r < rows; r++) scaleRow(out + floats(r * Dvp), y + floats((start + r) * Dv), Dv, load<f32>(factors + floats(r)));
  }
}

/** Softmax of one row of the tile but for its factor, which is returned: 1 / sum, or 0 where no key is visible. */
function softmaxRow(t: i32, row: usize): f32 {
  enterRow(t);
  clearOutside(row);
  return softmaxVisible(t, row + floats(low - firstKey));
}

function softmaxVisible(t: i32, visible: usize): f32 {
  const n = high - low;
  const maximum = n > 0 ? finishScores(visible, n, scale, biasAt(t), maskAt(t)) : <f32>-Infinity;
  if (maximum == <f32>-Infinity) {
    if (n > 0) memory.fill(visible, 0, floats(n));
    store<f32>(logSumExp + floats(t), -Infinity);
    return 0;
  }
  const sum = exponentials(visible, n, maximum);
  store<f32>(logSumExp + floats(t), maximum + log1(sum));
  return 1 / sum;
}

/** A single query (a decoding step): keys and values are read once, in place. */
function attendOne(t: i32, row: usize): void {
  enterRow(t);
  const query = q + floats(t * D), out = y + floats(t * Dv);
  for (let j = low; j < high; j++) store<f32>(row + floats(j - low), dot(query, k + floats(j * D), D));
  const factor = softmaxVisible(t, row);
  memory.fill(out, 0, floats(Dv));
  for (let j = low; j < high; j++) addScaledRow(v + floats(j * Dv), out, Dv, load<f32>(row + floats(j - low)) * factor);
}

/** One chunk: one key/value head, with all query heads that share it. */
export function scaledDotProductAttentionBackward(args: usize, chunk: i32): void {
  const H = word(args, 7), G = word(args, 8);
  const b = chunk / G, group = chunk % G, shared = H / G;
  enterHead(args, b, group * shared);
  const keyPanels = scratchAfterZeros(floats(Sp * (D + Dv) + TILE * (2 * Sp + 3 * Dp + 2 * Dvp) + 2 * S * (Dp + Dvp) + 16));
  const valuePanels = keyPanels + floats(Sp * D), rest = valuePanels + floats(Sp * Dv);
  const keys = wholeRows(k, S, D, Dp, rest), dkWhole = rest + floats(S * Dp), dvWhole = dkWhole + floats(S * Dp);
  packRowsAsColumns(k, S, D, keyPanels);
  packRowsAsColumns(v, S, Dv, valuePanels);
  const dkOut = address(args, 22) + floats((b * G + group) * S * D), dvOut = address(args, 23) + floats((b * G + group) * S * Dv);
  const dk = D == Dp ? dkOut : dkWhole, dv = Dv == Dvp ? dvOut : dvWhole;
  memory.fill(dk, 0, floats(S * Dp));
  memory.fill(dv, 0, floats(S * Dvp));
  for (let h = group * shared; h < (group + 1) * shared; h++) {
    enterHead(args, b, h);
    const dq = address(args, 21) + floats((b * H + h) * T * D);
    for (let start = 0; start < T; start += TILE) {
      enterTile(start);
      backwardTile(keyPanels, valuePanels, keys, dq + floats(start * D), dk, dv, dvWhole + floats(S * Dvp));
    }
  }
  if (D != Dp) unpadRows(dk, S, D, Dp, dkOut);
  if (Dv != Dvp) unpadRows(dv, S, Dv, Dvp, dvOut);
}

function backwardTile(keyPanels: usize, valuePanels: usize, keys: usize, dq: usize, dk: usize, dv: usize, scratch: usize): void {
  const probs = scratch, gradients = probs + floats(TILE * Sp) + 32;
  const queryRows = gradients + floats(TILE * Sp) + 32, outputRows = queryRows + floats(TILE * Dp), dqRows = outputRows + floats(TILE * Dvp);
  const queries = q + floats(t0 * D), outputGradients = g + floats(t0 * Dv);
  multiplyByPanels(queries, D, keyPanels, probs);
  multiplyByPanels(outputGradients, Dv, valuePanels, gradients);
  for (let r = 0; r < rows; r++) backwardRow(t0 + r, probs + <usize>r * floats(Sp), gradients + <usize>r * floats(Sp));
  addTransposedTile(probs, wholeRows(outputGradients, rows, Dv, Dvp, outputRows), Dvp, dv);
  addTransposedTile(gradients, wholeRows(queries, rows, D, Dp, queryRows), Dp, dk);
  multiplyTile(gradients, keys, Dp, dqRows);
  unpadRows(dqRows, rows, D, Dp, dq);
}

/** Turns a row of products into probabilities, and the row of their gradients into those of the products. */
function backwardRow(t: i32, probs: usize, gradients: usize): void {
  enterRow(t);
  clearOutside(probs);
  clearOutside(gradients);
  const n = high - low, from = floats(low - firstKey);
  if (n <= 0) return;
  const shift = load<f32>(logSumExp + floats(t));
  if (shift == <f32>-Infinity) {
    memory.fill(probs + from, 0, floats(n));
    memory.fill(gradients + from, 0, floats(n));
    return;
  }
  finishScores(probs + from, n, scale, biasAt(t), maskAt(t));
  exponentials(probs + from, n, shift);
  const delta = dot(g + floats(t * Dv), y + floats(t * Dv), Dv);
  scoreGradients(probs + from, gradients + from, n, delta, scale);
}
