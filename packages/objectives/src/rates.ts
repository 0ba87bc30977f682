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

/** The least whole number that is no less than a share of `count`: rounding errors of the product do not count. */
export function shareUp(count: number, rate: number): number {
  return Math.ceil(count * rate - 1e-9);
}
