import type { AttentionView } from "@heed/attention";
import { createLinear, type FeedForward, type Initializer, type Linear, type Norm } from "@heed/nn";
import { add, matmul, multiply, permute, type Rng, reshape, slice, softmax, subtract, type Tensor } from "@heed/tensor";
import { drop } from "./drop.ts";

/** What both streams of a layer read: of the places, not of their contents. */
export interface Places {
  /** sines and cosines of the distances T, T - 1, ... 1 - T; rows of a batch may count the other way: [1 or B, 2 T, E] */
  readonly distances: Tensor;
  /** 1 where two places belong to different segments, [B, 1, T, T]; default: segments add nothing */
  readonly differs?: Tensor | undefined;
}

/** One call of {@link RelativeAttention}. */
export interface RelativeAttentionOptions extends Places {
  /** 1 where a key is hidden, else 0, stretched to [B, H, T, T]; default: all are seen */
  readonly hidden?: Tensor | undefined;
  /** [B, P, T]: the queries stand for these places, which attend in their stead; default: one query for each place */
  readonly mapping?: Tensor | undefined;
  readonly rng?: Rng | undefined;
  readonly observe?: ((view: AttentionView) => void) | undefined;
}

/** The weights of {@link RelativeAttention}; the layers have no biases. */
export interface RelativeAttentionParts {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  /** from a distance's sines to keys */
  readonly distance: Linear;
  /** what every query asks of contents, [H, D] */
  readonly contentQuery: Tensor;
  /** what every query asks of distances, [H, D] */
  readonly distanceQuery: Tensor;
  /** what every query asks of segments, [H, D] */
  readonly segmentQuery: Tensor;
  /** keys of "in the same segment" and "in another", [2, H, D] */
  readonly segmentKeys: Tensor;
  /** of probabilities, in [0, 1); default 0 */
  readonly dropout?: number;
}

/** Far below any score, and so large that a score added to it is lost. */
const outOfSight = 1e30;

/**
 * Attention by content, distance and segment, for one stream or the other.
 *
 * score(i, j) = ((q_i + u) . k_j + (q_i + v) . W r_(i-j) + (q_i + w) . s_(same or other)) / sqrt(D).
 *
 * Numerics: a query that sees no key at all averages over all of them, as in the original.
 * Shapes: queries [B, T, E], or [B, P, E] with a mapping, and states [B, T, E] -> as queries.
 * @see Yang et al. 2019, XLNet, sections 2.3 to 2.5, arXiv:1906.08237; Dai et al. 2019, Transformer-XL, section 3.3,
 *   arXiv:1901.02860. Differs: no memory of an earlier text.
 */
export class RelativeAttention {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly distance: Linear;
  readonly contentQuery: Tensor;
  readonly distanceQuery: Tensor;
  readonly segmentQuery: Tensor;
  readonly segmentKeys: Tensor;
  readonly dropout: number;

  constructor(parts: RelativeAttentionParts) {
    this.query = parts.query;
    this.key = parts.key;
    this.value = parts.value;
    this.output = parts.output;
    this.distance = parts.distance;
    this.contentQuery = parts.contentQuery;
    this.distanceQuery = parts.distanceQuery;
    this.segmentQuery = parts.segmentQuery;
    this.segmentKeys = parts.segmentKeys;
    this.dropout = parts.dropout ?? 0;
  }

  /** Shapes: queries [B, T, E], or [B, P, E] with a mapping, and states [B, T, E] -> as queries. */
  forward(queries: Tensor, states: Tensor, options: RelativeAttentionOptions): Tensor {
    const { hidden, mapping, rng, observe } = options;
    const asked = this.heads(this.query.forward(queries));
    const map = mapping && reshape(mapping, [mapping.shape[0]!, 1, mapping.shape[1]!, mapping.shape[2]!]);
    const q = map ? matmul(permute(map, [0, 1, 3, 2]), asked) : asked;
    const scores = this.scores(q, this.heads(this.key.forward(states)), options);
    const probs = softmax(hidden ? subtract(scores, multiply(hidden, outOfSight)) : scores);
    observe?.({ scores, probs });
    const kept = drop(probs, this.dropout, rng);
    const mixed = matmul(kept, this.heads(this.value.forward(states)));
    const y_BHTD = map ? matmul(map, mixed) : mixed;
    const [B, H, T, D] = y_BHTD.shape as [number, number, number, number];
    return this.output.forward(reshape(permute(y_BHTD, [0, 2, 1, 3]), [B, T, H * D]));
  }

  /** q and k [B, H, T, D] -> [B, H, T, T]. */
  private scores(q: Tensor, k: Tensor, { distances, differs }: Places): Tensor {
    const [H, D] = this.contentQuery.shape as [number, number];
    const askedOf = (who: Tensor): Tensor => add(q, reshape(who, [1, H, 1, D]));
    const dot = (a: Tensor, b: Tensor): Tensor => matmul(a, b, { transposeB: true });
    const ofContent = dot(askedOf(this.contentQuery), k);
    const ofDistance = byKey(dot(askedOf(this.distanceQuery), this.heads(this.distance.forward(distances))));
    const both = add(ofContent, ofDistance);
    if (!differs) return multiply(both, 1 / Math.sqrt(D));
    const [B, , T] = q.shape as [number, number, number];
    const segmentKeys = reshape(permute(this.segmentKeys, [1, 0, 2]), [1, H, 2, D]);
    const ofSegment = dot(askedOf(this.segmentQuery), segmentKeys);
    const [same, other] = [0, 1].map((kind) => slice(ofSegment, [0, 0, 0, kind], [B, H, T, 1]));
    const picked = add(same!, multiply(subtract(other!, same!), differs));
    return multiply(add(both, picked), 1 / Math.sqrt(D));
  }

  /** [B, T, H D] -> [B, H, T, D]. */
  private heads(x: Tensor): Tensor {
    const [H, D] = this.contentQuery.shape as [number, number];
    return permute(reshape(x, [x.shape[0]!, x.shape[1]!, H, D]), [0, 2, 1, 3]);
  }
}

/** Scores by distance T, T - 1, ... 1 - T as scores by key: row i of the keys 0 .. T - 1 begins at distance i. */
function byKey(scores: Tensor): Tensor {
  const [B, H, T, R] = scores.shape as [number, number, number, number];
  const turned = slice(reshape(scores, [B, H, R, T]), [0, 0, 1, 0], [B, H, R - 1, T]);
  return slice(reshape(turned, [B, H, T, R - 1]), [0, 0, 0, 0], [B, H, T, T]);
}

/** What {@link createRelativeAttention} takes. */
export interface RelativeAttentionSizes {
  readonly dModel: number;
  readonly numHeads: number;
  /** makes the first values of each weight */
  readonly weight: Initializer;
  readonly dropout?: number;
}

/** A {@link RelativeAttention} with new weights. */
export function createRelativeAttention({
  dModel,
  numHeads,
  weight,
  dropout,
}: RelativeAttentionSizes): RelativeAttention {
  const layer = (): Linear => createLinear({ dIn: dModel, dOut: dModel, weight });
  const asked = [numHeads, dModel / numHeads];
  return new RelativeAttention({
    query: layer(),
    key: layer(),
    value: layer(),
    output: layer(),
    distance: layer(),
    contentQuery: weight(asked),
    distanceQuery: weight(asked),
    segmentQuery: weight(asked),
    segmentKeys: weight([2, ...asked]),
    ...(dropout !== undefined && { dropout }),
  });
}

/** What an {@link XlnetBlock} is made of. */
export interface XlnetBlockParts {
  readonly attention: RelativeAttention;
  readonly norm1: Norm;
  readonly feedForward: FeedForward;
  readonly norm2: Norm;
  /** of both branches, in [0, 1); default 0 */
  readonly residualDropout?: number;
}

/**
 * A layer of XLNet, norms behind each sum: the same weights for contents and for queries, which both read contents.
 *
 * Shapes: queries as of {@link RelativeAttention}, states [B, T, E] -> as queries.
 * @see Yang et al. 2019, XLNet, section 2.3, arXiv:1906.08237.
 */
export class XlnetBlock {
  readonly attention: RelativeAttention;
  readonly norm1: Norm;
  readonly feedForward: FeedForward;
  readonly norm2: Norm;
  readonly residualDropout: number;

  constructor({ attention, norm1, feedForward, norm2, residualDropout = 0 }: XlnetBlockParts) {
    this.attention = attention;
    this.norm1 = norm1;
    this.feedForward = feedForward;
    this.norm2 = norm2;
    this.residualDropout = residualDropout;
  }

  /** Shapes: queries [B, T, E], or [B, P, E] with a mapping, and states [B, T, E] -> as queries. */
  forward(queries: Tensor, states: Tensor, options: RelativeAttentionOptions): Tensor {
    const { rng } = options;
    const attended = this.norm1.forward(
      add(queries, drop(this.attention.forward(queries, states, options), this.residualDropout, rng)),
    );
    return this.norm2.forward(
      add(attended, drop(this.feedForward.forward(attended, { rng }), this.residualDropout, rng)),
    );
  }
}
