import { dataSync, referenceBackend, rng, useBackend } from "@heed/tensor";
import { expect, test } from "vitest";
import { constantInit, normalInit, onesInit, uniformInit, xavierUniformInit, zerosInit } from "../src/index.ts";

useBackend(referenceBackend());

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

test("normalInit draws with the asked mean and spread", () => {
  const values = dataSync(normalInit({ std: 0.5, mean: 2, rng: rng(1) })([100, 100]));
  const center = mean(values);
  const spread = Math.sqrt(mean(Array.from(values, (value) => (value - center) ** 2)));
  expect(Math.abs(center - 2)).toBeLessThan(3 * 0.005);
  expect(Math.abs(spread - 0.5)).toBeLessThan(3 * 0.0036);
});

test("uniformInit and xavierUniformInit stay within their limits and reach them", () => {
  const uniform = dataSync(uniformInit({ limit: 0.25, rng: rng(2) })([1000]));
  const xavier = dataSync(xavierUniformInit({ rng: rng(3) })([20, 30]));
  for (const [values, limit] of [
    [uniform, 0.25],
    [xavier, Math.sqrt(6 / 50)],
  ] as const) {
    expect(Math.max(...Array.from(values, Math.abs))).toBeLessThanOrEqual(Math.fround(limit));
    expect(Math.max(...values)).toBeGreaterThan(0.95 * limit);
    expect(Math.min(...values)).toBeLessThan(-0.95 * limit);
  }
});

test("constants, and the type asked for", () => {
  expect([...dataSync(zerosInit()([2]))]).toEqual([0, 0]);
  expect([...dataSync(onesInit()([2]))]).toEqual([1, 1]);
  expect([...dataSync(constantInit(3)([2]))]).toEqual([3, 3]);
  expect(zerosInit({ dtype: "float64" })([1]).dtype).toBe("float64");
  expect(normalInit({ std: 1, rng: rng(0), dtype: "float64" })([1]).dtype).toBe("float64");
});

test("the same seed gives the same weights, the next weight others", () => {
  const [first, again] = [rng(7), rng(7)];
  const weight = () => [...dataSync(normalInit({ std: 1, rng: first })([4]))];
  const one = weight();
  expect([...dataSync(normalInit({ std: 1, rng: again })([4]))]).toEqual(one);
  expect(weight()).not.toEqual(one);
});

test("names what is out of range", () => {
  expect(() => normalInit({ std: -1, rng: rng(0) })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: normalInit: std is out of range, expected a finite number >= 0, got -1]`,
  );
  expect(() => uniformInit({ limit: Number.NaN, rng: rng(0) })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: uniformInit: limit is out of range, expected a finite number >= 0, got NaN]`,
  );
  expect(() => xavierUniformInit({ rng: rng(0) })([3])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: xavierUniformInit: shape has rank 1, expected at least 2 axes [fan out, fan in], got [3]]`,
  );
});
