import { full } from "@heed/attention";
import { bindShapes, fromArray, mean, type Tensor } from "@heed/tensor";
import { choose } from "../choose.ts";
import { expectPlaces } from "../fine-tuning/expect-places.ts";
import { meanSquaredError } from "../losses/mean-squared-error.ts";
import type { Objective } from "../objective.ts";
import { checkRate, shareUp } from "../rates.ts";
import { weightedMean } from "../weighted-mean.ts";
import { normalizePatches } from "./normalize-patches.ts";
import { checkPatches, checkPatchOptions, type PatchOptions } from "./patch-options.ts";

/** The patches that an encoder reads, and all of them to rebuild. */
export interface MaskedAutoencodingExample {
  /** values of the visible patches, numVisible dPatch */
  readonly patches: Float32Array;
  /** where they lie among all, ascending; the decoder puts its mask token at the other places */
  readonly visible: Int32Array;
  /** values of all patches, normalized where asked for */
  readonly targets: Float32Array;
  /** 1 for each patch that was hidden, 0 for those that were read */
  readonly lossWeights: Float32Array;
}

/** Options of {@link maskedAutoencoding}. */
export interface MaskedAutoencodingOptions extends PatchOptions {
  /** share of patches that are hidden, in (0, 1); default 0.75 */
  readonly maskRate?: number;
  /** whether each target patch has mean 0 and variance 1; default true */
  readonly normalizeTargets?: boolean;
}

/**
 * Rebuild the hidden patches of an image from the few that an encoder reads (MAE).
 *
 * Of N patches floor(N (1 - maskRate)) stay visible, chosen evenly; the hidden ones never enter the encoder.
 *
 * Shapes: prepare values of N patches -> visible patches and their places; loss predictions [B, N, dPatch] -> [], the mean
 * squared error over the values of hidden patches, not in nats.
 *
 * @throws RangeError for a rate outside (0, 1), or one that leaves no patch to read or none to rebuild
 * @see He et al. 2022, Masked Autoencoders Are Scalable Vision Learners, section 3, arXiv:2111.06377.
 * @example
 * const objective = maskedAutoencoding({ numPatches: 4, dPatch: 1 });
 * objective.prepare(Float32Array.of(0.1, 0.2, 0.3, 0.4), rng(0)).visible.length; // 1
 */
export function maskedAutoencoding(
  options: MaskedAutoencodingOptions,
): Objective<Float32Array, MaskedAutoencodingExample> {
  const { numPatches, dPatch, maskRate = 0.75, normalizeTargets = true } = options;
  checkPatchOptions("maskedAutoencoding", options);
  checkRate("maskedAutoencoding", "maskRate", maskRate);
  const numVisible = numPatches - shareUp(numPatches, maskRate);
  if (numVisible === 0)
    throw new RangeError(
      `maskedAutoencoding: maskRate leaves nothing to read, expected one that keeps at least 1 of ${numPatches} patches, got ${maskRate}. Lower it`,
    );
  if (numVisible === numPatches)
    throw new RangeError(
      `maskedAutoencoding: maskRate leaves nothing to predict, expected one that hides at least 1 of ${numPatches} patches, got ${maskRate}. Raise it`,
    );
  return {
    mask: full(),
    prepare(patches, rng) {
      checkPatches("maskedAutoencoding", patches, options);
      const visible = choose(numPatches, numVisible, rng);
      const read = new Float32Array(numVisible * dPatch);
      visible.forEach((place, i) => void read.set(patches.subarray(place * dPatch, (place + 1) * dPatch), i * dPatch));
      const lossWeights = new Float32Array(numPatches).fill(1);
      for (const place of visible) lossWeights[place] = 0;
      const targets = normalizeTargets ? normalizePatches(patches, dPatch) : patches.slice();
      return { patches: read, visible: Int32Array.from(visible), targets, lossWeights };
    },
    loss(predictions: Tensor, { targets, lossWeights }) {
      const { B, N, P } = bindShapes("maskedAutoencoding", { predictions: [predictions, "B N P"] });
      expectPlaces("maskedAutoencoding", "targets", targets, B * N * P, predictions);
      const wanted = fromArray(targets, [B, N, P], { dtype: predictions.dtype, backend: predictions.backend });
      return weightedMean(mean(meanSquaredError(predictions, wanted, { reduction: "none" }), { axes: 2 }), lossWeights);
    },
  };
}
