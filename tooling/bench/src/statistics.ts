/** Figures of timed runs. All times are milliseconds. */

/** The middle of a sorted copy; the mean of the middle two for an even count. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear interpolation between the two nearest of the sorted values. */
export function quantile(values: readonly number[], fraction: number): number {
  if (values.length === 0)
    throw new RangeError("quantile: values is empty, expected at least one number, got []. Run at least one round.");
  const sorted = [...values].sort((a, b) => a - b);
  const place = fraction * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (place - below);
}

/** Minimum, median, and the distance between the quartiles. */
export interface Summary {
  readonly min: number;
  readonly median: number;
  readonly spread: number;
  readonly count: number;
}

/** Summary of all runs of a side, whatever round they were in. */
export function summarize(values: readonly number[]): Summary {
  return {
    min: quantile(values, 0),
    median: median(values),
    spread: quantile(values, 0.75) - quantile(values, 0.25),
    count: values.length,
  };
}

/** Times of one side. */
export interface Times {
  /** milliseconds of each run, by round; empty where the side sat out */
  readonly rounds: readonly (readonly number[])[];
  /** CPU milliseconds of each run, all threads together */
  readonly cpuOfRuns: readonly number[];
}

/** How many times as fast the first side is: by minima, as the median of the rounds' own ratios, and by the least CPU time. */
export interface Ratio {
  readonly byMin: number;
  readonly byRound: number;
  /** Hardly depends on what else the machine does; a second thread does not make it larger. */
  readonly byCpu: number;
}

/**
 * Compares two sides that ran in the same rounds; a round in which either was absent does not count. The ratio is the other's
 * time over ours, so that 2 means twice as fast.
 */
export function compare(ours: Times, theirs: Times): Ratio {
  const both = ours.rounds.flatMap((mine, round) => {
    const other = theirs.rounds[round] ?? [];
    return mine.length > 0 && other.length > 0 ? [median(other) / median(mine)] : [];
  });
  return {
    byMin: quantile(theirs.rounds.flat(), 0) / quantile(ours.rounds.flat(), 0),
    byRound: median(both),
    byCpu: quantile(theirs.cpuOfRuns, 0) / quantile(ours.cpuOfRuns, 0),
  };
}
