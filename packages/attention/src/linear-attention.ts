import {
  add,
  arange,
  bindShapes,
  cast,
  concatenate,
  cumulativeSum,
  divide,
  equal,
  exp,
  full,
  greater,
  lessEqual,
  logicalAnd,
  matmul,
  minimum,
  pad,
  reshape,
  select,
  slice,
  sum,
  type Tensor,
} from "@heed/tensor";
import type { AttentionFn, AttentionOptions } from "./attention-fn.ts";
import { fitKeys } from "./fit-keys.ts";
import { bindAttention, checkWidths, repeatHeads } from "./heads.ts";
import { causal as causalMask } from "./masks/causal.ts";

/** Options of {@link linearAttention}. */
export interface LinearAttentionOptions {
  /** a query sees its own and earlier places; default false */
  readonly causal?: boolean;
  /** applied to queries and keys, its values >= 0; default elu(x) + 1 */
  readonly featureMap?: (x: Tensor) => Tensor;
  /** added to the normalizer, >= 0; default 1e-6 */
  readonly epsilon?: number;
}

/** elu(x) + 1: x + 1 above 0, e^x below. */
export function eluPlusOne(x: Tensor): Tensor {
  return select(greater(x, 0), add(x, 1), exp(minimum(x, 0)));
}

/**
 * Attention whose scores are products of features, so that no matrix of queries by keys is needed:
 * sum_s (phi(q) . phi(k_s)) v_s / (sum_s phi(q) . phi(k_s) + epsilon).
 *
 * Linear where all queries share their mask: none, one of keys (`padding`, `full()`), or `causal: true` with such a mask, by
 * prefix sums over chunks of 64. A mask that differs by query, a call that observes and a decoding step compute the same
 * from the matrix of weights. Takes no bias: there is no exponential to add it in.
 *
 * Shapes: q [B, H, T, D], k [B, G, S, D], v [B, G, S, Dv] -> [B, H, T, Dv]. Observed scores are the products, probs the normalized ones.
 * Numerics: a row with no visible key returns 0.
 * Cost: O((T + S)*D*Dv) time, O(T*Dv + S*D*Dv / 64) memory; O(T*S*D) and O(T*S) where the mask differs by query.
 * @throws TypeError for a bias, or for a causal call with T != S without positions; RangeError if epsilon is negative
 * @see Katharopoulos et al. 2020, Transformers are RNNs, sections 3.2 and 3.3, arXiv:2006.16236.
 * @example
 * const attention = linearAttention({ causal: true });
 */
export function linearAttention(options: LinearAttentionOptions = {}): AttentionFn {
  const { causal = false, featureMap = eluPlusOne, epsilon = 1e-6 } = options;
  if (!(epsilon >= 0 && Number.isFinite(epsilon)))
    throw new RangeError(`linearAttention: epsilon is out of range, expected a finite number >= 0, got ${epsilon}`);
  return (q, k, v, call = {}) => {
    if (call.bias)
      throw new TypeError(
        "linearAttention: bias is given, expected none: there is no exponential to add it in. Use rotary or embedded positions, or softmaxAttention",
      );
    const { H, T, S } = bindAttention("linearAttention", { q, k, v }, call);
    checkWidths("linearAttention", q, k);
    const features = { q: featureMap(q), k: repeatHeads(featureMap(k), H), v: repeatHeads(v, H) };
    const sharesMask = !call.mask || (call.mask.shape.at(-2) ?? 1) === 1;
    if (call.observe || !sharesMask || (causal && T !== S)) {
      const mask = causal ? bothMasks(causalOf(T, S, features.q, call), call.mask) : call.mask;
      return fromMatrix(features, mask, epsilon, call.observe);
    }
    const visible = hideKeys(features, call.mask);
    return causal ? fromPrefixSums(visible, epsilon) : fromSums(visible, epsilon);
  };
}

interface Features {
  /** [B, H, T, D] */
  readonly q: Tensor;
  /** [B, H, S, D] */
  readonly k: Tensor;
  /** [B, H, S, Dv] */
  readonly v: Tensor;
}

const bothMasks = (a: Tensor, b: Tensor | undefined): Tensor => (b ? logicalAnd(a, b) : a);

/** Who sees whom in a causal call: by place where queries and keys are the same tokens, else by position. */
function causalOf(T: number, S: number, like: Tensor, { positions, keyPositions }: AttentionOptions): Tensor {
  const places = arange(0, T, { backend: like.backend });
  if (T === S) return causalMask()(places, places);
  if (!positions || !keyPositions)
    throw new TypeError(
      `linearAttention: positions are missing for T=${T} queries of S=${S} keys, expected positions and keyPositions (int32), got none. A causal call needs them unless queries and keys are the same tokens`,
    );
  return fitKeys(causalMask()(positions, keyPositions), S);
}

/** The definition, from the matrix of weights: O(T*S). */
function fromMatrix(
  { q, k, v }: Features,
  mask: Tensor | undefined,
  epsilon: number,
  observe: AttentionOptions["observe"],
): Tensor {
  const scores = matmul(q, k, { transposeB: true });
  const visible = mask ? select(mask, scores, 0) : scores;
  const normalizer = sum(visible, { axes: -1, keepDims: true });
  const probs = divide(visible, add(normalizer, epsilonBeside(normalizer, epsilon)));
  observe?.({ scores, probs });
  return matmul(probs, v);
}

/** What the normalizer is increased by: epsilon, or where both are 0, 1. */
function epsilonBeside(normalizer: Tensor, epsilon: number): Tensor | number {
  return epsilon > 0 ? epsilon : cast(equal(normalizer, 0), normalizer.dtype);
}

/** Hidden keys get no features: they add nothing to any sum. */
function hideKeys({ q, k, v }: Features, mask: Tensor | undefined): Features {
  if (!mask) return { q, k, v };
  const S = k.shape[2]!;
  const column = mask.shape.at(-1) === 1 ? mask : reshape(mask, [...mask.shape.slice(0, -2), S, 1]);
  return { q, k: select(column, k, 0), v };
}

/** v with a column of ones, whose sum is the normalizer. */
function withOnes(v: Tensor): Tensor {
  const [B, H, S] = v.shape as [number, number, number];
  return concatenate([v, full([B, H, S, 1], 1, { dtype: v.dtype, backend: v.backend })], { axis: 3 });
}

/** [.., Dv + 1] -> [.., Dv]: sums by their normalizer. */
function normalize(sums: Tensor, epsilon: number): Tensor {
  const [B, H, T, width] = sums.shape as [number, number, number, number];
  const normalizer = slice(sums, [0, 0, 0, width - 1], [B, H, T, 1]);
  return divide(slice(sums, [0, 0, 0, 0], [B, H, T, width - 1]), add(normalizer, epsilonBeside(normalizer, epsilon)));
}

function fromSums({ q, k, v }: Features, epsilon: number): Tensor {
  const state_BHDV = matmul(k, withOnes(v), { transposeA: true });
  return normalize(matmul(q, state_BHDV), epsilon);
}

const chunkSize = 64;

/** Within a chunk by its small matrix, from earlier chunks by the sums of their features. */
function fromPrefixSums({ q, k, v }: Features, epsilon: number): Tensor {
  const { B, H, T } = bindShapes("linearAttention", { q: [q, "B H T D"], v: [v, "B H T Dv"] });
  const C = Math.min(chunkSize, T);
  const N = Math.ceil(T / C);
  const inChunks = (x: Tensor): Tensor => {
    const padded = N * C === T ? x : pad(x, [0, 0, 0, 0], [0, 0, N * C - T, 0]);
    return reshape(padded, [B, H, N, C, x.shape[3]!]);
  };
  const [queries, keys, values] = [inChunks(q), inChunks(k), inChunks(withOnes(v))];
  const states_BHNDV = matmul(keys, values, { transposeA: true });
  const earlier = matmul(queries, cumulativeSum(states_BHNDV, { axis: 2, exclusive: true }));
  const places = arange(0, C, { backend: q.backend });
  const past = lessEqual(reshape(places, [1, C]), reshape(places, [C, 1]));
  const within = matmul(select(past, matmul(queries, keys, { transposeB: true }), 0), values);
  const sums = reshape(add(earlier, within), [B, H, N * C, values.shape[4]!]);
  return normalize(N * C === T ? sums : slice(sums, [0, 0, 0, 0], [B, H, T, values.shape[4]!]), epsilon);
}
