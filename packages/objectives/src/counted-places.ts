/**
 * The places of a batch whose weight is not 0, in order: a head over the vocabulary has to speak of these alone.
 *
 * @returns N numbers in 0 .. lossWeights.length - 1, row after row of the batch
 * @see The masked_lm_positions of google-research/bert, run_pretraining.py.
 * @example
 * countedPlaces(Float32Array.of(0, 1, 0, 2)); // 1 3
 */
export function countedPlaces(lossWeights: Float32Array): Int32Array {
  const places = new Int32Array(lossWeights.length);
  let count = 0;
  for (let place = 0; place < lossWeights.length; place++) if (lossWeights[place] !== 0) places[count++] = place;
  return places.slice(0, count);
}
