import type { GoldenArray } from "./golden.ts";

type Values = ArrayLike<number>;

/** How two arrays differ: the largest absolute difference, where it is, and whether it is allowed. */
export interface Difference {
  readonly largest: number;
  readonly at: number;
  readonly passed: boolean;
  readonly message: string;
}

export interface Tolerance {
  /** Allowed absolute difference; default 0. */
  readonly atol?: number;
  /** Allowed difference relative to the expected value; default 0. */
  readonly rtol?: number;
  /** 0 at elements that do not count. */
  readonly counts?: Uint8Array;
}

/**
 * Compares element by element: |actual - expected| <= atol + rtol * |expected|. NaN equals NaN only, and an infinity itself.
 */
export function compare(actual: Values, expected: Values, tolerance: Tolerance = {}, label = "values"): Difference {
  if (actual.length !== expected.length) {
    const message = `${label}: ${actual.length} elements, expected ${expected.length}`;
    return { largest: Number.POSITIVE_INFINITY, at: 0, passed: false, message };
  }
  const { atol = 0, rtol = 0, counts } = tolerance;
  let [largest, at, excess] = [0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    if (counts && !counts[i]) continue;
    const [got, wanted] = [Number(actual[i]), Number(expected[i])];
    if (Object.is(got, wanted) || got === wanted) continue;
    const gap = Math.abs(got - wanted);
    const error = Number.isFinite(gap) ? gap : Number.POSITIVE_INFINITY;
    const over = error - (atol + rtol * Math.abs(wanted));
    excess = Math.max(excess, Number.isNaN(over) ? Number.POSITIVE_INFINITY : over);
    if (error > largest) [largest, at] = [error, i];
  }
  const message = `${label}: largest difference ${largest.toExponential(3)} at element ${at} (got ${actual[at]}, expected ${expected[at]}), allowed ${atol} + ${rtol} * |expected|`;
  return { largest, at, passed: excess <= 0, message };
}

/** Throws, naming the worst element, unless the arrays are equal within the tolerance. */
export function allClose(actual: Values, expected: Values, tolerance: Tolerance = {}, label = "values"): void {
  const difference = compare(actual, expected, tolerance, label);
  if (!difference.passed) throw new Error(difference.message);
}

/** Throws unless the values are those recorded, within the recorded tolerance, where the recording says that they count. */
export function expectGolden(actual: Values, expected: GoldenArray | undefined, label: string): void {
  if (!expected) throw new Error(`expectGolden: the fixture records no ${label}`);
  allClose(actual, expected.values, expected, label);
}
