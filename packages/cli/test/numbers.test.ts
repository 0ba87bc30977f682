import { expect, test } from "vitest";
import { fraction, nonNegativeNumber, positiveNumber, wholeNumber } from "../src/numbers.ts";

test("whole numbers take what is between their bounds", () => {
  const parse = wholeNumber(1, 10);
  expect(["1", "10", "1e1", " 3 "].map(parse)).toEqual([1, 10, 10, 3]);
  for (const bad of ["0", "11", "1.5", "-1", "NaN", "Infinity", "", " ", "three", "1_000", "9e999"]) {
    expect(() => parse(bad), bad).toThrow("Expected a whole number in 1..10.");
  }
});

test("other numbers say their rule", () => {
  expect([positiveNumber(2)("1e-9"), nonNegativeNumber(2)("0"), fraction("0")]).toEqual([1e-9, 0, 0]);
  for (const bad of ["0", "-1", "3", "NaN", "Infinity", ""]) {
    expect(() => positiveNumber(2)(bad), bad).toThrow("Expected a number > 0 and <= 2.");
  }
  for (const bad of ["-0.1", "3", "NaN", ""]) {
    expect(() => nonNegativeNumber(2)(bad), bad).toThrow("Expected a number in 0..2.");
  }
  for (const bad of ["1", "-0.1", "NaN", ""]) expect(() => fraction(bad), bad).toThrow("Expected a number in [0, 1).");
});
