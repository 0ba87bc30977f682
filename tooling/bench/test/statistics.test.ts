import { expect, test } from "vitest";
import { compare, median, quantile, summarize } from "../src/statistics.ts";

test("quantiles interpolate between the sorted values", () => {
  expect(quantile([4, 1, 3, 2], 0)).toBe(1);
  expect(quantile([4, 1, 3, 2], 1)).toBe(4);
  expect(quantile([10, 20], 0.25)).toBe(12.5);
  expect(median([5, 1, 3])).toBe(3);
  expect(median([7])).toBe(7);
});

test("a summary has the fastest run, the middle one and the quartiles' distance", () => {
  expect(summarize([5, 1, 2, 3, 4])).toEqual({ min: 1, median: 3, spread: 2, count: 5 });
});

const times = (rounds: number[][], cpuOfRuns = rounds.flat()) => ({ rounds, cpuOfRuns });

test("a ratio of two is twice as fast, by minimum, by round and by CPU time", () => {
  expect(compare(times([[10, 11]]), times([[20, 22]]))).toEqual({ byMin: 2, byRound: 2, byCpu: 2 });
});

test("a slow spell that hits both sides in one round leaves the ratio by round as it is", () => {
  const { byRound } = compare(times([[10], [100], [10]]), times([[30], [300], [30]]));
  expect(byRound).toBe(3);
});

test("waiting for a core does not count as CPU time", () => {
  expect(compare(times([[10]], [10]), times([[90]], [30])).byCpu).toBe(3);
});

test("rounds in which one side sat out do not count", () => {
  expect(compare(times([[10], [10]]), times([[20], []]))).toMatchObject({ byMin: 2, byRound: 2 });
});

test("no values are refused", () => {
  expect(() => median([])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: quantile: values is empty, expected at least one number, got []. Run at least one round.]`,
  );
});
