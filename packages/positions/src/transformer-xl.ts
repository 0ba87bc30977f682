import {
  add,
  arange,
  bindShapes,
  expandDims,
  formatShape,
  gather,
  matmul,
  multiply,
  permute,
  reshape,
  ShapeError,
  type Tensor,
} from "@heed/tensor";
import { distanceRows, expectPositiveCount, repeatKeyHeads } from "./distances.ts";
import type { PositionEncoding } from "./position-encoding.ts";
import { sinusoidal } from "./sinusoidal.ts";

/** The weights of {@link TransformerXlPositions}. */
export interface TransformerXlWeights {
  /** W_kR, from a distance's sines to keys, [H D, E] */
  readonly distanceKeys: Tensor;
  /** u: what every query asks of contents, [H, D] */
  readonly contentQuery: Tensor;
  /** v: what every query asks of distances, [H, D] */
  readonly distanceQuery: Tensor;
}

/**
 * The terms of absolute positions in a score, with distances in place of positions.
 *
 * scores(i, j) += scale * (u . k_j + (q_i + v) . W r_(i-j)); with q_i . k_j from attention these are the paper's four terms.
 * r are sines, then cosines, of the distance, which is kept within ±maxDistance.
 *
 * Shapes: weights as in {@link TransformerXlWeights}; contentBias -> [B, H, T, S].
 * @see Dai et al. 2019, Transformer-XL, section 3.3, arXiv:1901.02860. Differs: distances are clamped and may be negative,
 *   as in XLNet, so that it also serves attention to later keys.
 */
export class TransformerXlPositions implements PositionEncoding {
  readonly distanceKeys: Tensor;
  readonly contentQuery: Tensor;
  readonly distanceQuery: Tensor;
  readonly maxDistance: number;
  readonly scale: number | undefined;

  /** @throws ShapeError if the weights do not fit each other */
  constructor(
    { distanceKeys, contentQuery, distanceQuery }: TransformerXlWeights,
    { maxDistance, scale }: { readonly maxDistance: number; readonly scale?: number },
  ) {
    const { H, D } = bindShapes("TransformerXlPositions", {
      contentQuery: [contentQuery, "H D"],
      distanceQuery: [distanceQuery, "H D"],
    });
    bindShapes("TransformerXlPositions", { distanceKeys: [distanceKeys, "HD E"] });
    if (distanceKeys.shape[0] !== H * D)
      throw new ShapeError(
        `TransformerXlPositions: distanceKeys has ${distanceKeys.shape[0]} rows in shape ${formatShape(distanceKeys.shape)}, expected ${H * D} (from ${H} heads of D=${D})`,
      );
    expectPositiveCount("TransformerXlPositions", "maxDistance", maxDistance);
    this.distanceKeys = distanceKeys;
    this.contentQuery = contentQuery;
    this.distanceQuery = distanceQuery;
    this.maxDistance = maxDistance;
    this.scale = scale;
  }

  /** Shapes: q [B, H, T, D], k [B, G, S, D] -> [B, H, T, S]. */
  contentBias(q: Tensor, k: Tensor, queryPositions: Tensor, keyPositions: Tensor): Tensor {
    const [H, D] = this.contentQuery.shape as [number, number];
    const keys = repeatKeyHeads("TransformerXlPositions", k, H);
    const ofContent = matmul(reshape(this.contentQuery, [1, H, 1, D]), keys, { transposeB: true });
    const asked = add(q, reshape(this.distanceQuery, [1, H, 1, D]));
    const rows = gather(this.keysByDistance(q), distanceRows(queryPositions, keyPositions, this.maxDistance));
    const rows_BTSHD = rows.shape.length === 4 ? expandDims(rows, 0) : rows;
    const [, T, S] = rows_BTSHD.shape as [number, number, number];
    // Each query has a matrix of its own, the keys of its distances: [1, D] times [S, D] transposed.
    const ofDistance = matmul(expandDims(asked, -2), permute(rows_BTSHD, [0, 3, 1, 2, 4]), { transposeB: true });
    const scores = add(reshape(ofDistance, [q.shape[0]!, H, T, S]), ofContent);
    return multiply(scores, this.scale ?? 1 / Math.sqrt(D));
  }

  /** W r for each distance j - i in -maxDistance..maxDistance: [2 maxDistance + 1, H, D]. */
  private keysByDistance({ backend, dtype }: Tensor): Tensor {
    const { maxDistance, distanceKeys } = this;
    const [H, D] = this.contentQuery.shape as [number, number];
    // Row m stands for j - i = m - maxDistance, and r counts i - j.
    const ahead = multiply(arange(-maxDistance, maxDistance + 1, { backend }), -1);
    const r = sinusoidal({ layout: "concatenated" }).vectors(ahead, { dModel: distanceKeys.shape[1]!, dtype });
    return reshape(matmul(r, distanceKeys, { transposeB: true }), [2 * maxDistance + 1, H, D]);
  }
}

/**
 * Transformer-XL's positions with new weights.
 *
 * @param options.maxDistance positions, >= 1; farther keys count as this far
 * @param options.weight makes the first values of each weight
 * @throws RangeError if a count is below 1
 * @example
 * const position = transformerXl({ maxDistance: 32, dModel: 8, numHeads: 2, dHead: 4, weight: (shape) => normal(shape, { rng: rng(0), std: 0.02 }) });
 */
export function transformerXl({
  maxDistance,
  dModel,
  numHeads,
  dHead,
  weight,
}: {
  readonly maxDistance: number;
  readonly dModel: number;
  readonly numHeads: number;
  readonly dHead: number;
  readonly weight: (shape: readonly number[]) => Tensor;
}): TransformerXlPositions {
  for (const [argument, value] of Object.entries({ maxDistance, dModel, numHeads, dHead }))
    expectPositiveCount("transformerXl", argument, value);
  return new TransformerXlPositions(
    {
      distanceKeys: weight([numHeads * dHead, dModel]),
      contentQuery: weight([numHeads, dHead]),
      distanceQuery: weight([numHeads, dHead]),
    },
    { maxDistance },
  );
}
