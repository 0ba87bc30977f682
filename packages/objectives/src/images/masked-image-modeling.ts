import { full } from "@heed/attention";
import { abs, bindShapes, fromArray, mean, subtract, type Tensor } from "@heed/tensor";
import { choose } from "../choose.ts";
import { expectPlaces } from "../fine-tuning/expect-places.ts";
import type { Objective } from "../objective.ts";
import { checkRate, shareUp } from "../rates.ts";
import { weightedMean } from "../weighted-mean.ts";
import { checkPatches, checkPatchOptions } from "./patch-options.ts";

/** All patches, some of them blank, and what was there. */
export interface MaskedImageExample {
  /** values of all patches, 0 where they are hidden */
  readonly patches: Float32Array;
  /** 1 where the model puts its mask token in place of the patch; the position stays */
  readonly masked: Int32Array;
  /** values of all patches */
  readonly targets: Float32Array;
  /** 1 for each patch that was hidden */
  readonly lossWeights: Float32Array;
}

/** Options of {@link maskedImageModeling}. */
export interface MaskedImageOptions {
  /** rows of patches */
  readonly numRows: number;
  /** patches of a row */
  readonly numColumns: number;
  /** values of a patch: height times width times channels */
  readonly dPatch: number;
  /** share of the blocks that are hidden, in (0, 1); default 0.6 */
  readonly maskRate?: number;
  /** side of the squares of patches that are hidden together; divides rows and columns. Default 1 */
  readonly blockSize?: number;
}

/**
 * Rebuild the hidden squares of an image, which the encoder reads with mask tokens in their place (SimMIM).
 *
 * Of the blocks ceil(count maskRate) are hidden, chosen evenly.
 *
 * Shapes: prepare values of N = numRows numColumns patches -> as many; loss predictions [B, N, dPatch] -> [], the mean
 * absolute error over the values of hidden patches, not in nats.
 *
 * @throws RangeError for a rate outside (0, 1), or one that leaves nothing to read; for blocks that do not divide the grid
 * @see Xie et al. 2022, SimMIM: A Simple Framework for Masked Image Modeling, section 3, arXiv:2111.09886.
 * @example
 * const objective = maskedImageModeling({ numRows: 2, numColumns: 2, dPatch: 1, maskRate: 0.5 });
 * objective.prepare(Float32Array.of(0.1, 0.2, 0.3, 0.4), rng(0)).masked; // two of them 1
 */
export function maskedImageModeling(options: MaskedImageOptions): Objective<Float32Array, MaskedImageExample> {
  const { numRows, numColumns, dPatch, maskRate = 0.6, blockSize = 1 } = options;
  const sizes = { numPatches: numRows * numColumns, dPatch };
  checkPatchOptions("maskedImageModeling", sizes);
  checkRate("maskedImageModeling", "maskRate", maskRate);
  if (!(Number.isInteger(blockSize) && blockSize >= 1 && numRows % blockSize === 0 && numColumns % blockSize === 0))
    throw new RangeError(
      `maskedImageModeling: blockSize is wrong, expected a divisor of ${numRows} rows and ${numColumns} columns, got ${blockSize}`,
    );
  const blocksAcross = numColumns / blockSize;
  const numBlocks = sizes.numPatches / blockSize ** 2;
  const numHidden = shareUp(numBlocks, maskRate);
  if (numHidden === numBlocks)
    throw new RangeError(
      `maskedImageModeling: maskRate leaves nothing to read, expected one that keeps at least 1 of ${numBlocks} blocks, got ${maskRate}. Lower it or blockSize`,
    );
  const blockOf = (patch: number): number =>
    Math.floor(Math.floor(patch / numColumns) / blockSize) * blocksAcross +
    Math.floor((patch % numColumns) / blockSize);
  return {
    mask: full(),
    prepare(patches, rng) {
      checkPatches("maskedImageModeling", patches, sizes);
      const hidden = new Set(choose(numBlocks, numHidden, rng));
      const masked = Int32Array.from({ length: sizes.numPatches }, (_, patch) => Number(hidden.has(blockOf(patch))));
      return {
        patches: patches.map((value, i) => (masked[Math.floor(i / dPatch)] ? 0 : value)),
        masked,
        targets: patches.slice(),
        lossWeights: Float32Array.from(masked),
      };
    },
    loss(predictions: Tensor, { targets, lossWeights }) {
      const { B, N, P } = bindShapes("maskedImageModeling", { predictions: [predictions, "B N P"] });
      expectPlaces("maskedImageModeling", "targets", targets, B * N * P, predictions);
      const wanted = fromArray(targets, [B, N, P], { dtype: predictions.dtype, backend: predictions.backend });
      return weightedMean(mean(abs(subtract(predictions, wanted)), { axes: 2 }), lossWeights);
    },
  };
}
