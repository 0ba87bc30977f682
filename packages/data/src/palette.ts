import { type Rng, rng as rngOf } from "@heed/tensor";

/** Colors that stand for all others: id i is color i. */
export interface Palette {
  /** numColors colors of numChannels values, one after the other */
  readonly colors: Float32Array;
  readonly numChannels: number;
  /** The nearest color's id of each pixel, the lower of two that are as near. Shapes: pixels of numChannels values -> one id each. */
  encode(pixels: Float32Array): Int32Array;
  /** Colors of ids. @throws RangeError for an id that is no color's */
  decode(ids: Int32Array): Float32Array;
}

/** Options of {@link trainPalette}. */
export interface TrainPaletteOptions {
  /** colors at most, >= 1; fewer where the pixels have fewer */
  readonly numColors: number;
  /** values of a pixel; default 3 */
  readonly numChannels?: number;
  /** whole number in 0..2^53-1 */
  readonly seed: number;
  /** rounds at most; ends before when no pixel changes its color. Default 100 */
  readonly maxRounds?: number;
}

/** A palette of given colors. @throws RangeError if they are none, or no whole number of them */
export function paletteOf(colors: Float32Array, { numChannels = 3 }: { readonly numChannels?: number } = {}): Palette {
  const check = (argument: string, values: Float32Array): void => {
    if (values.length % numChannels !== 0)
      throw new RangeError(
        `paletteOf: ${argument} has ${values.length} values, expected a multiple of ${numChannels} (numChannels)`,
      );
  };
  check("colors", colors);
  const numColors = colors.length / numChannels;
  if (numColors === 0) throw new RangeError("paletteOf: colors is empty, expected at least one color, got none");
  return {
    colors,
    numChannels,
    encode(pixels) {
      check("pixels", pixels);
      return Int32Array.from(
        { length: pixels.length / numChannels },
        (_, i) => nearest(pixels, i, colors, numChannels).id,
      );
    },
    decode(ids) {
      const pixels = new Float32Array(ids.length * numChannels);
      ids.forEach((id, i) => {
        if (!(id >= 0 && id < numColors))
          throw new RangeError(`paletteOf: ids has an id that is no color's, expected 0..${numColors - 1}, got ${id}`);
        pixels.set(colors.subarray(id * numChannels, (id + 1) * numChannels), i * numChannels);
      });
      return pixels;
    },
  };
}

/**
 * A palette for pixels by k-means: the colors are the means of the pixels nearest to them.
 *
 * First colors are drawn from the pixels, each as likely as its squared distance from those drawn before (k-means++); a
 * color that loses all its pixels stays. The squared error never grows from round to round; the same seed gives the same palette.
 *
 * Shapes: pixels [N, numChannels] in one array. Cost: O(N numColors) a round.
 *
 * @throws RangeError if there are no pixels, a value is not finite or a number is out of range
 * @see Lloyd 1982, Least Squares Quantization in PCM; Arthur and Vassilvitskii 2007, k-means++; Chen et al. 2020, Generative
 *   Pretraining from Pixels, section 3.2 (512 colors).
 * @example
 * const pixels = Float32Array.of(0, 0, 0, 0.1, 0, 0, 1, 1, 1, 1, 1, 0.9);
 * const palette = trainPalette(pixels, { numColors: 2, seed: 1 });
 * palette.encode(pixels); // 0 0 1 1, or 1 1 0 0
 */
export function trainPalette(pixels: Float32Array, options: TrainPaletteOptions): Palette {
  const { numChannels = 3, seed, maxRounds = 100 } = options;
  checkOptions(pixels, { ...options, numChannels, maxRounds });
  const colors = firstColors(pixels, options.numColors, numChannels, rngOf(seed));
  const count = pixels.length / numChannels;
  const ids = new Int32Array(count).fill(-1);
  for (let round = 0; round < maxRounds; round++) {
    let hasMoved = false;
    for (let i = 0; i < count; i++) {
      const { id } = nearest(pixels, i, colors, numChannels);
      hasMoved ||= id !== ids[i];
      ids[i] = id;
    }
    if (!hasMoved) break;
    moveToMeans(colors, pixels, ids, numChannels);
  }
  return paletteOf(colors, { numChannels });
}

function checkOptions(
  pixels: Float32Array,
  { numColors, numChannels, maxRounds }: Required<Omit<TrainPaletteOptions, "seed">>,
): void {
  for (const [name, value] of Object.entries({ numColors, numChannels, maxRounds })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`trainPalette: ${name} is out of range, expected a whole number >= 1, got ${value}`);
  }
  if (pixels.length === 0 || pixels.length % numChannels !== 0)
    throw new RangeError(
      `trainPalette: pixels has ${pixels.length} values, expected a multiple of ${numChannels} (numChannels) above 0`,
    );
  const strange = pixels.findIndex((value) => !Number.isFinite(value));
  if (strange >= 0)
    throw new RangeError(`trainPalette: pixels[${strange}] is wrong, expected a finite number, got ${pixels[strange]}`);
}

/** The color nearest to pixel i, and its squared distance. */
function nearest(pixels: Float32Array, i: number, colors: ArrayLike<number>, numChannels: number) {
  let found = { id: 0, distance: Infinity };
  for (let id = 0; id * numChannels < colors.length; id++) {
    let distance = 0;
    for (let c = 0; c < numChannels; c++)
      distance += (pixels[i * numChannels + c]! - colors[id * numChannels + c]!) ** 2;
    if (distance < found.distance) found = { id, distance };
  }
  return found;
}

function firstColors(pixels: Float32Array, numColors: number, numChannels: number, rng: Rng): Float32Array {
  const count = pixels.length / numChannels;
  const pixel = (i: number): Float32Array => pixels.subarray(i * numChannels, (i + 1) * numChannels);
  const chosen = [pixel(Math.floor(rng.next() * count))];
  const distances = Array.from({ length: count }, (_, i) => nearest(pixels, i, chosen[0]!, numChannels).distance);
  while (chosen.length < numColors) {
    let left = rng.next() * distances.reduce((sum, distance) => sum + distance, 0);
    const next = distances.findIndex((distance) => (left -= distance) < 0);
    if (next < 0) break; // every pixel has its color
    chosen.push(pixel(next));
    distances.forEach((distance, i) => {
      distances[i] = Math.min(distance, nearest(pixels, i, chosen.at(-1)!, numChannels).distance);
    });
  }
  return Float32Array.from(chosen.flatMap((color) => [...color]));
}

function moveToMeans(colors: Float32Array, pixels: Float32Array, ids: Int32Array, numChannels: number): void {
  const sums = new Float64Array(colors.length);
  const counts = new Float64Array(colors.length / numChannels);
  ids.forEach((id, i) => {
    counts[id]!++;
    for (let c = 0; c < numChannels; c++) sums[id * numChannels + c]! += pixels[i * numChannels + c]!;
  });
  counts.forEach((count, id) => {
    if (count === 0) return;
    for (let c = 0; c < numChannels; c++) colors[id * numChannels + c] = sums[id * numChannels + c]! / count;
  });
}
