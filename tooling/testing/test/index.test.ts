import { describe, expect, test } from "vitest";
import {
  allClose,
  compare,
  expectGolden,
  finiteDifferences,
  golden,
  naiveMatmul,
  naiveSoftmax,
  seededNumbers,
} from "../src/index.ts";

describe("compare", () => {
  test("names the worst element", () => {
    expect(compare([1, 2, 3], [1, 2.5, 3.1], { atol: 0.2 }, "y")).toEqual({
      largest: 0.5,
      at: 1,
      passed: false,
      message: "y: largest difference 5.000e-1 at element 1 (got 2, expected 2.5), allowed 0.2 + 0 * |expected|",
    });
    expect(() => allClose([1], [2])).toThrow("largest difference 1.000e+0 at element 0");
  });

  test("the tolerance is inclusive, and relative to the expected value", () => {
    expect(compare([1.5], [1], { atol: 0.5 }).passed).toBe(true);
    expect(compare([110], [100], { rtol: 0.1 }).passed).toBe(true);
    expect(compare([111], [100], { rtol: 0.1 }).passed).toBe(false);
  });

  test.each([
    ["NaN for a number", [Number.NaN], [0], false],
    ["a number for NaN", [0], [Number.NaN], false],
    ["NaN for NaN", [Number.NaN], [Number.NaN], true],
    ["infinities of one sign", [Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY], true],
    ["infinities of two signs", [Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY], false],
    ["a number for an infinity", [1e30], [Number.POSITIVE_INFINITY], false],
    ["another length", [1, 2], [1], false],
    ["negative zero", [-0], [0], true],
  ])("%s", (_, actual, expected, passed) => {
    expect(compare(actual, expected, { atol: 1e9, rtol: 1 }).passed).toBe(passed);
  });

  test("elements that do not count are passed over", () => {
    expect(compare([1, 9], [1, 2], { counts: Uint8Array.of(1, 0) }).passed).toBe(true);
    expect(compare([1, 9], [1, 2], { counts: Uint8Array.of(0, 1) }).passed).toBe(false);
  });
});

describe("naive oracles", () => {
  test("finite differences of x^3", () => {
    allClose(
      finiteDifferences((x) => x.reduce((sum, v) => sum + v ** 3, 0), [1, -2]),
      [3, 12],
      { atol: 1e-8 },
    );
  });

  test("matmul by hand", () => {
    expect([...naiveMatmul([1, 2, 3, 4, 5, 6], [1, 0, 0, 1, 1, 1], 2, 3, 2)]).toEqual([4, 5, 10, 11]);
  });

  test("softmax rows sum to one and keep ratios", () => {
    const y = naiveSoftmax([0, Math.log(3), 5, 5], 2);
    allClose(y, [0.25, 0.75, 0.5, 0.5], { atol: 1e-15 });
  });

  test("seeded numbers repeat", () => {
    const [a, b] = [seededNumbers(7), seededNumbers(7)];
    const first = Array.from({ length: 100 }, a);
    expect(first).toEqual(Array.from({ length: 100 }, b));
    expect(Math.min(...first)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...first)).toBeLessThan(1);
  });
});

test("an absent fixture is undefined", () => {
  expect(golden("no-such-fixture")).toBeUndefined();
});

const norms = golden("unit-norms");
describe.skipIf(!norms)("golden fixtures", () => {
  test("layer norm of unit-norms, computed here, is the recorded one", () => {
    const c = norms?.find("layer_norm");
    const [x, weight, bias] = [c?.inputs.x, c?.inputs.weight, c?.inputs.bias];
    if (!x || !weight || !bias) throw new Error("inputs of layer_norm are not there");
    const width = weight.values.length;
    const y = new Float64Array(x.values.length);
    for (let start = 0; start < y.length; start += width) {
      const row = Array.from(x.values.subarray(start, start + width), Number);
      const mean = row.reduce((a, b) => a + b, 0) / width;
      const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / width;
      row.forEach((v, i) => {
        y[start + i] = ((v - mean) / Math.sqrt(variance + 1e-5)) * Number(weight.values[i]) + Number(bias.values[i]);
      });
    }
    expectGolden(y, c?.outputs.output, "output");
    expect(() =>
      expectGolden(
        y.map((v) => v + 1e-3),
        c?.outputs.output,
        "output",
      ),
    ).toThrow("output: largest difference 1.0");
  });

  test("padding does not count where the recording says so", () => {
    const logits = golden("gpt2-lm")?.find("padded").outputs.logits;
    const counts = logits?.counts;
    if (!logits || !counts) throw new Error("gpt2-lm records no padded logits");
    const skipped = counts.indexOf(0);
    expect(skipped).toBeGreaterThanOrEqual(0);
    const changed = logits.values.slice();
    changed[skipped] = 1e6;
    expectGolden(changed, logits, "logits");
    changed[counts.indexOf(1)] = 1e6;
    expect(() => expectGolden(changed, logits, "logits")).toThrow("logits: largest difference");
  });
});
