import { causal } from "@heed/attention";
import type { SequenceObjective } from "../objective.ts";
import { weightedCrossEntropy } from "../weighted-cross-entropy.ts";

/** Options of {@link nextPixel}. */
export interface NextPixelOptions {
  /** id in front of every image, none of the palette's colors; usually the number of colors */
  readonly startId: number;
}

/**
 * Predict each pixel of an image, as a color of a palette, from those before it in reading order; the first from nothing.
 *
 * Shapes: prepare T color ids -> T inputs, the start id in front and the last color left out, T targets; loss logits [B, T, V] -> [].
 *
 * @throws RangeError from `prepare` if there is no pixel or one is the start id
 * @see Chen et al. 2020, Generative Pretraining from Pixels, sections 2.1 and 3.2 (512 colors by k-means). The palette is
 *   `trainPalette` of `@heed/data`.
 * @example
 * const objective = nextPixel({ startId: 512 });
 * objective.prepare(Int32Array.of(5, 6, 7), rng(0)).inputs; // 512 5 6
 */
export function nextPixel({ startId }: NextPixelOptions): SequenceObjective {
  if (!Number.isSafeInteger(startId) || startId < 1)
    throw new RangeError(`nextPixel: startId is out of range, expected a whole number >= 1, got ${startId}`);
  return {
    mask: causal(),
    tokensFor: (T) => T,
    prepare(colors) {
      if (colors.length === 0)
        throw new RangeError("nextPixel: colors is empty, expected at least one pixel, got none");
      const outside = colors.find((color) => color < 0 || color >= startId);
      if (outside !== undefined)
        throw new RangeError(`nextPixel: colors has an id out of range, expected 0..${startId - 1}, got ${outside}`);
      const inputs = new Int32Array(colors.length);
      inputs[0] = startId;
      inputs.set(colors.subarray(0, -1), 1);
      return {
        inputs,
        targets: colors.slice(),
        lossWeights: new Float32Array(colors.length).fill(1),
      };
    },
    loss: (logits, example) => weightedCrossEntropy("nextPixel", logits, example),
  };
}
