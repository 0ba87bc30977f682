/** Sizes of an image and of its square patches. */
export interface PatchGrid {
  /** rows of pixels, a multiple of patchSize */
  readonly height: number;
  /** pixels of a row, a multiple of patchSize */
  readonly width: number;
  /** values of a pixel */
  readonly numChannels: number;
  /** side of a patch in pixels */
  readonly patchSize: number;
}

function checkGrid(caller: string, grid: PatchGrid, field: string, { length }: ArrayLike<number>): void {
  const { height, width, numChannels, patchSize } = grid;
  for (const [name, value] of Object.entries({ height, width, numChannels, patchSize })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${caller}: ${name} is out of range, expected a whole number >= 1, got ${value}`);
  }
  if (height % patchSize !== 0 || width % patchSize !== 0)
    throw new RangeError(
      `${caller}: patchSize does not divide the image, expected a divisor of ${height} and ${width}, got ${patchSize}. Crop or resize it`,
    );
  if (length !== height * width * numChannels)
    throw new RangeError(
      `${caller}: ${field} has ${length} values, expected ${height * width * numChannels} (${height} x ${width} pixels of ${numChannels})`,
    );
}

/** Calls back with the place of each row of each patch in the image and in the patches. */
function eachRun(
  { height, width, numChannels, patchSize }: PatchGrid,
  visit: (pixel: number, patch: number) => void,
): void {
  const run = patchSize * numChannels;
  let patch = 0;
  for (let row = 0; row < height; row += patchSize)
    for (let column = 0; column < width; column += patchSize)
      for (let y = 0; y < patchSize; y++, patch += run) visit(((row + y) * width + column) * numChannels, patch);
}

/**
 * Cuts an image into square patches, in reading order.
 *
 * Shapes: pixels [height, width, numChannels] -> [N, patchSize patchSize numChannels] in one array, N = height width /
 * patchSize^2; rows of a patch one after the other, channels last.
 *
 * @throws RangeError if patches do not divide the image or the values are not as many
 * @see Dosovitskiy et al. 2021, An Image is Worth 16x16 Words, section 3.1, arXiv:2010.11929.
 * @example
 * const grid = { height: 2, width: 4, numChannels: 1, patchSize: 2 };
 * imageToPatches(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), grid); // 1 2 5 6, 3 4 7 8
 */
export function imageToPatches(pixels: Float32Array, grid: PatchGrid): Float32Array {
  checkGrid("imageToPatches", grid, "pixels", pixels);
  const patches = new Float32Array(pixels.length);
  const run = grid.patchSize * grid.numChannels;
  eachRun(grid, (pixel, patch) => void patches.set(pixels.subarray(pixel, pixel + run), patch));
  return patches;
}

/**
 * Puts patches together again, as `imageToPatches` cut them.
 *
 * Shapes: patches [N, patchSize patchSize numChannels] -> [height, width, numChannels].
 *
 * @throws RangeError if patches do not divide the image or the values are not as many
 * @see Dosovitskiy et al. 2021, An Image is Worth 16x16 Words, section 3.1, arXiv:2010.11929.
 * @example
 * const grid = { height: 2, width: 4, numChannels: 1, patchSize: 2 };
 * patchesToImage(Float32Array.of(1, 2, 5, 6, 3, 4, 7, 8), grid); // 1 2 3 4 5 6 7 8
 */
export function patchesToImage(patches: Float32Array, grid: PatchGrid): Float32Array {
  checkGrid("patchesToImage", grid, "patches", patches);
  const pixels = new Float32Array(patches.length);
  const run = grid.patchSize * grid.numChannels;
  eachRun(grid, (pixel, patch) => void pixels.set(patches.subarray(patch, patch + run), pixel));
  return pixels;
}
