import { concatenate, fromArray, logicalAnd, reshape, slice, type Tensor } from "@heed/tensor";
import type { AttentionFn, AttentionOptions } from "./attention-fn.ts";
import { bindAttention } from "./heads.ts";
import { checkWhole } from "./masks/check-whole.ts";
import { softmaxAttention } from "./softmax-attention.ts";

/** Options of {@link blockSparseAttention}. */
export interface BlockSparseOptions {
  /** places in a block, a whole number >= 1 */
  readonly blockSize: number;
  /** whether the queries of one block see the keys of another, both numbered from 0; it is asked about every pair */
  readonly blocks: (queryBlock: number, keyBlock: number) => boolean;
  /** multiplies every score, finite; default 1 / sqrt(D) */
  readonly scale?: number;
}

/**
 * Softmax attention between chosen pairs of blocks only: every block of queries meets the blocks of keys that it sees.
 *
 * Within a block all see all: add `causal()` as the mask where needed. Blocks are counted by place, so it needs all queries at
 * once and cannot decode with a cache.
 *
 * Shapes: q [B, H, T, D], k [B, G, T, D], v [B, G, T, Dv] -> [B, H, T, Dv].
 * Numerics: a row with no visible key returns 0.
 * Cost: O(P*blockSize^2*D) time for P pairs of blocks.
 * @throws RangeError if blockSize is not a whole number >= 1; TypeError if T is not S
 * @see Child et al. 2019, Generating Long Sequences with Sparse Transformers, section 4, arXiv:1904.10509; Zaheer et al. 2020,
 *   Big Bird, section 2, arXiv:2007.14062.
 * @example
 * const bigBird = blockSparseAttention({ blockSize: 64, blocks: (i, j) => j === 0 || i === 0 || Math.abs(i - j) < 2 });
 */
export function blockSparseAttention({ blockSize, blocks, scale }: BlockSparseOptions): AttentionFn {
  checkWhole("blockSparseAttention", "blockSize", blockSize, 1);
  const attend = softmaxAttention(scale === undefined ? {} : { scale });
  return (q, k, v, options = {}) => {
    const { T, S } = bindAttention("blockSparseAttention", { q, k, v }, options);
    if (T !== S)
      throw new TypeError(
        `blockSparseAttention: q has T=${T} for S=${S} keys, expected the same tokens: it cannot decode with a cache. Decode with softmaxAttention and the same pattern as a mask`,
      );
    const pattern = runsOf(T, blockSize, blocks);
    if (options.observe) {
      const own = denseMask(pattern, T, q);
      return attend(q, k, v, { ...options, mask: options.mask ? logicalAnd(own, options.mask) : own });
    }
    const rows = pattern.map((row) => attendRow(attend, { q, k, v }, row, options));
    return rows.length === 1 ? rows[0]! : concatenate(rows, { axis: 2 });
  };
}

/** Places from `start`, `size` of them. */
interface Run {
  readonly start: number;
  readonly size: number;
}

/** The places of a block of queries, and of the keys that they see: neighboring blocks in one run. */
interface BlockRow {
  readonly query: Run;
  readonly keys: readonly Run[];
}

function runsOf(T: number, blockSize: number, blocks: BlockSparseOptions["blocks"]): BlockRow[] {
  const numBlocks = Math.ceil(T / blockSize);
  const place = (block: number): Run => ({
    start: block * blockSize,
    size: Math.min(blockSize, T - block * blockSize),
  });
  return Array.from({ length: numBlocks }, (_, i) => {
    const keys: Run[] = [];
    for (let j = 0; j < numBlocks; j++) {
      if (!blocks(i, j)) continue;
      const { start, size } = place(j);
      const last = keys.at(-1);
      if (last && last.start + last.size === start)
        keys[keys.length - 1] = { start: last.start, size: last.size + size };
      else keys.push({ start, size });
    }
    return { query: place(i), keys };
  });
}

/** Parts of one axis, joined; an axis of size 1 serves every part. */
function take(x: Tensor, axis: number, runs: readonly Run[]): Tensor {
  if (x.shape[axis] === 1) return x;
  const parts = runs.map(({ start, size }) =>
    slice(
      x,
      x.shape.map((_, i) => (i === axis ? start : 0)),
      x.shape.map((whole, i) => (i === axis ? size : whole)),
    ),
  );
  return parts.length === 1 ? parts[0]! : concatenate(parts, { axis });
}

function attendRow(
  attend: AttentionFn,
  { q, k, v }: { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor },
  { query, keys }: BlockRow,
  { mask, bias, rng }: AttentionOptions,
): Tensor {
  const rows = take(q, 2, [query]);
  const none = keys.length === 0;
  // A block that sees nothing meets its first key, hidden: the same zeros, with a gradient of zeros.
  const seen = none ? [{ start: 0, size: 1 }] : keys;
  const near = (x: Tensor): Tensor => {
    const ranked = reshape(x, [...new Array<number>(4 - x.shape.length).fill(1), ...x.shape]);
    return take(take(ranked, 2, [query]), 3, seen);
  };
  const hidden = fromArray([0], [1, 1, 1, 1], { dtype: "bool", backend: q.backend });
  return attend(rows, take(k, 2, seen), take(v, 2, seen), {
    mask: none ? hidden : mask && near(mask),
    bias: bias && near(bias),
    rng,
  });
}

function denseMask(pattern: readonly BlockRow[], T: number, { backend }: Tensor): Tensor {
  const sees = new Uint8Array(T * T);
  for (const { query, keys } of pattern)
    for (let t = query.start; t < query.start + query.size; t++)
      for (const { start, size } of keys) sees.fill(1, t * T + start, t * T + start + size);
  return fromArray(sees, [T, T], { dtype: "bool", backend });
}
