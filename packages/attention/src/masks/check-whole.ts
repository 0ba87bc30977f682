/** Throws unless an option is a whole number of at least `least`. */
export function checkWhole(where: string, argument: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new RangeError(`${where}: ${argument} is out of range, expected a whole number >= ${least}, got ${value}`);
}
