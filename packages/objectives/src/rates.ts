/** @throws RangeError if the rate is not in (0, 1) */
export function checkRate(where: string, argument: string, rate: number): void {
  if (rate > 0 && rate < 1) return;
  throw new RangeError(`${where}: ${argument} is out of range, expected a number in (0, 1), got ${rate}`);
}

/** To the nearest whole number, halves to the even one, as Python and NumPy round. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
