import {
  abs,
  add,
  arange,
  broadcast,
  concatenate,
  gather,
  greaterEqual,
  less,
  lessEqual,
  logicalAnd,
  maximum,
  minimum,
  multiply,
  pad,
  permute,
  reshape,
  slice,
  subtract,
  type Tensor,
} from "@heed/tensor";
import type { AttentionFn, AttentionOptions } from "./attention-fn.ts";
import { fitKeys } from "./fit-keys.ts";
import { bindAttention } from "./heads.ts";
import { causal as causalMask } from "./masks/causal.ts";
import { checkWhole } from "./masks/check-whole.ts";
import { slidingWindow } from "./masks/sliding-window.ts";
import { softmaxAttention } from "./softmax-attention.ts";

/** Options of {@link localWindowAttention}. */
export interface LocalWindowOptions {
  /** a query sees keys less than this many places away, a whole number >= 1 */
  readonly windowSize: number;
  /** only its own and earlier ones; default false */
  readonly causal?: boolean;
  /** multiplies every score, finite; default 1 / sqrt(D) */
  readonly scale?: number;
}

/**
 * Softmax attention in which a query sees near keys only, at a cost that grows with the length, not with its square.
 *
 * The same as `softmaxAttention` under `slidingWindow({ windowSize })`, and `causal()`; each block of windowSize queries meets its
 * own block of keys and the neighbors. A mask or bias that differs by query is read near the diagonal only, but making it
 * costs its own size: pass masks of keys (`padding`, `full()`) to stay linear. A call that observes, and one whose queries
 * are not the keys' own tokens (a decoding step, which must bring positions), computes the same from all pairs.
 *
 * Shapes: q [B, H, T, D], k [B, G, T, D], v [B, G, T, Dv] -> [B, H, T, Dv].
 * Numerics: a row with no visible key returns 0.
 * Cost: O(T*windowSize*D) time, O(T*(windowSize + D)) memory.
 * @throws RangeError if windowSize is not a whole number >= 1; TypeError for T != S without positions
 * @see Beltagy et al. 2020, Longformer, section 3.1, arXiv:2004.05150; blocks as in Ainslie et al. 2020, ETC, section 3.5, arXiv:2004.08483.
 * @example
 * const attention = localWindowAttention({ windowSize: 64, causal: true });
 */
export function localWindowAttention({ windowSize, causal = false, scale }: LocalWindowOptions): AttentionFn {
  checkWhole("localWindowAttention", "windowSize", windowSize, 1);
  const attend = softmaxAttention(scale === undefined ? {} : { scale });
  const window: Window = { windowSize, causal };
  return (q, k, v, options = {}) => {
    const { T, S } = bindAttention("localWindowAttention", { q, k, v }, options);
    if (options.observe || T !== S || T <= windowSize) {
      const own = windowOf(T, S, q, window, options);
      return attend(q, k, v, { ...options, mask: options.mask ? logicalAnd(own, options.mask) : own });
    }
    return inBlocks(attend, { q, k, v }, window, options);
  };
}

interface Window {
  readonly windowSize: number;
  readonly causal: boolean;
}

/** Who sees whom, [T, S]: by place where queries and keys are the same tokens, else by position. */
function windowOf(T: number, S: number, like: Tensor, { windowSize, causal }: Window, options: AttentionOptions) {
  const { positions, keyPositions } = options;
  const isSame = T === S;
  if (!isSame && !(positions && keyPositions))
    throw new TypeError(
      `localWindowAttention: positions are missing for T=${T} queries of S=${S} keys, expected positions and keyPositions (int32), got none. They are needed unless queries and keys are the same tokens`,
    );
  const places = arange(0, S, { backend: like.backend });
  const given = isSame ? ([places, places] as const) : ([positions!, keyPositions!] as const);
  const near = slidingWindow({ windowSize })(...given);
  return fitKeys(causal ? logicalAnd(causalMask()(...given), near) : near, S);
}

interface Heads {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** N blocks of W queries; each meets `width` keys, from the block before its own on. */
interface Layout {
  readonly B: number;
  readonly T: number;
  readonly N: number;
  readonly W: number;
  readonly width: number;
}

/** Blocks become rows of the batch: each is a small call of its own. */
function inBlocks(attend: AttentionFn, { q, k, v }: Heads, window: Window, options: AttentionOptions): Tensor {
  const { windowSize: W, causal } = window;
  const [B, H, T] = q.shape as [number, number, number];
  const N = Math.ceil(T / W);
  const layout: Layout = { B, T, N, W, width: causal ? 2 * W : 3 * W };
  const places = placesOf(layout, q);
  const near = visibleOf(places, layout, causal);
  const y = attend(queryBlocks(q, layout), keyBlocks(k, layout), keyBlocks(v, layout), {
    mask: asRows(options.mask ? logicalAnd(near, band(options.mask, layout, places)) : near, layout),
    bias: options.bias && asRows(band(options.bias, layout, places), layout),
  });
  const Dv = v.shape[3]!;
  const joined = reshape(permute(reshape(y, [B, N, H, W, Dv]), [0, 2, 1, 3, 4]), [B, H, N * W, Dv]);
  return N * W === T ? joined : slice(joined, [0, 0, 0, 0], [B, H, T, Dv]);
}

interface Places {
  /** of queries, [N, W, 1] */
  readonly query: Tensor;
  /** of keys, [N, 1, width]: below 0 and from T on there is none */
  readonly key: Tensor;
}

function placesOf({ N, W, width }: Layout, { backend }: Tensor): Places {
  const starts = multiply(reshape(arange(0, N, { backend }), [N, 1, 1]), W);
  const from = (first: number, count: number): Tensor => arange(first, first + count, { backend });
  return {
    query: add(starts, reshape(from(0, W), [1, W, 1])),
    key: add(starts, reshape(from(-W, width), [1, 1, width])),
  };
}

/** [N, 1, W, width] */
function visibleOf({ query, key }: Places, { N, W, T, width }: Layout, causal: boolean): Tensor {
  const exists = logicalAnd(greaterEqual(key, 0), less(key, T));
  const near = logicalAnd(exists, less(abs(subtract(query, key)), W));
  return reshape(causal ? logicalAnd(near, lessEqual(key, query)) : near, [N, 1, W, width]);
}

/** The part of a mask or bias beside the diagonal: [b, h, T or 1, T or 1] -> [b, N, h, W or 1, width or 1]. */
function band(x: Tensor, { T, N }: Layout, { query, key }: Places): Tensor {
  const [b, h, rows, columns] = [...new Array<number>(4 - x.shape.length).fill(1), ...x.shape] as number[];
  const within = (places: Tensor): Tensor => minimum(maximum(places, 0), T - 1);
  const row = rows === 1 ? multiply(slice(query, [0, 0, 0], [N, 1, 1]), 0) : multiply(within(query), columns!);
  const indices = columns === 1 ? row : add(row, within(key));
  return permute(gather(reshape(x, [b!, h!, rows! * columns!]), indices, { axis: 2 }), [0, 2, 1, 3, 4]);
}

/** [N, 1, W, width] or [b, N, h, W, width] -> [B N, h, W, width]. */
function asRows(x: Tensor, { B, N }: Layout): Tensor {
  const [h, W, width] = x.shape.slice(-3) as [number, number, number];
  return reshape(broadcast(x, [B, N, h, W, width]), [B * N, h, W, width]);
}

/** [B, H, T, D] -> [B N, H, W, D]. */
function queryBlocks(q: Tensor, { B, N, W, T }: Layout): Tensor {
  const [, H, , D] = q.shape as [number, number, number, number];
  const padded = pad(q, [0, 0, 0, 0], [0, 0, N * W - T, 0]);
  return reshape(permute(reshape(padded, [B, H, N, W, D]), [0, 2, 1, 3, 4]), [B * N, H, W, D]);
}

/** Each block of keys with its neighbors: [B, G, T, D] -> [B N, G, width, D]. */
function keyBlocks(k: Tensor, { B, N, W, T, width }: Layout): Tensor {
  const [, G, , D] = k.shape as [number, number, number, number];
  const count = width / W;
  const padded = pad(k, [0, 0, W, 0], [0, 0, (N + count - 2) * W - T, 0]);
  const blocks = reshape(padded, [B, G, N + count - 1, W, D]);
  const shifted = Array.from({ length: count }, (_, i) => slice(blocks, [0, 0, i, 0, 0], [B, G, N, W, D]));
  return reshape(permute(concatenate(shifted, { axis: 3 }), [0, 2, 1, 3, 4]), [B * N, G, width, D]);
}
