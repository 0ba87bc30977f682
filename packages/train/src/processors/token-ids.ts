/** @throws RangeError if the value is no whole number from `least` */
export function checkWhole(caller: string, argument: string, value: number, least: number): void {
  if (!(Number.isSafeInteger(value) && value >= least))
    throw new RangeError(`${caller}: ${argument} is out of range, expected a whole number >= ${least}, got ${value}`);
}

/** @throws RangeError if an id is no whole number >= 0, or there is none */
export function checkTokenIds(caller: string, argument: string, ids: readonly number[]): void {
  if (ids.length === 0)
    throw new RangeError(`${caller}: ${argument} is empty, expected at least one token id. Give a token`);
  const strange = ids.find((id) => !(Number.isSafeInteger(id) && id >= 0));
  if (strange !== undefined)
    throw new RangeError(`${caller}: ${argument} has token ${strange}, expected whole numbers >= 0`);
}

/** @throws RangeError if the vocabulary lacks one of the ids */
export function checkInVocabulary(caller: string, ids: readonly number[], { length: V }: Float32Array): void {
  const outside = ids.find((id) => id >= V);
  if (outside !== undefined)
    throw new RangeError(`${caller}: token ${outside} is outside the vocabulary, expected ids in 0..${V - 1}`);
}
