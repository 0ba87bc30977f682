import { describe, expect, test } from "vitest";
import { splitTokens } from "../src/index.ts";
import { thrownBy } from "./support.ts";

const tokens = Int32Array.from({ length: 1_115_394 }, (_, i) => i);

describe("splitTokens", () => {
  test("cuts where nanoGPT's prepare.py cuts: int(n * 0.9)", () => {
    const { train, validation } = splitTokens(tokens, { validationFraction: 0.1 });
    expect([train.length, validation.length]).toEqual([1_003_854, 111_540]); // printed in its readme for this text
    expect([train[0], train.at(-1), validation[0], validation.at(-1)]).toEqual([0, 1_003_853, 1_003_854, 1_115_393]);
  });

  test("needs no validation part", () => {
    const { train, validation } = splitTokens(Int32Array.of(1, 2), { validationFraction: 0, contextLength: 1 });
    expect([train.length, validation.length]).toEqual([2, 0]);
  });

  test("checks that a window fits into each part", () => {
    const short = tokens.subarray(0, 100);
    expect(splitTokens(short, { validationFraction: 0.1, contextLength: 9 }).validation.length).toBe(10);
    expect(thrownBy(() => splitTokens(short, { validationFraction: 0.1, contextLength: 10 }))).toMatchInlineSnapshot(
      `"RangeError: splitTokens: the validation part has 10 tokens, expected at least 11 (from contextLength 10, 100 tokens and validationFraction 0.1). Give more text, a shorter context or another fraction"`,
    );
    expect(thrownBy(() => splitTokens(short, { validationFraction: 0.9, contextLength: 10 }))).toMatch(
      /the train part has 9 tokens/,
    );
  });

  test("checks the fraction", () => {
    for (const validationFraction of [1, -0.1, Number.NaN, Infinity])
      expect(() => splitTokens(tokens, { validationFraction })).toThrow(RangeError);
    expect(thrownBy(() => splitTokens(tokens, { validationFraction: 1 }))).toMatchInlineSnapshot(
      `"RangeError: splitTokens: validationFraction is out of range, expected 0 <= fraction < 1, got 1"`,
    );
  });
});
