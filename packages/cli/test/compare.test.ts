import { expect, test } from "vitest";
import { compare } from "../src/verify/compare.ts";

const values = (list: readonly number[], shape = [list.length]) => ({ shape, values: list });

test("the largest difference counts, up to the tolerance", () => {
  const expected = { ...values([1, 2, 3]), tolerance: 0.5 };
  expect(compare("x", values([1, 2.5, 3.25]), expected)).toMatchObject({ error: 0.5, passed: true, compared: 3 });
  expect(compare("x", values([1, 2.5625, 3]), expected)).toMatchObject({ error: 0.5625, passed: false });
  expect(compare("x", values([1, 2, 4]), { ...expected, tolerance: 0 }).passed).toBe(false);
});

test("what is not a number fails, infinities must be equal", () => {
  const expected = { ...values([1, Number.POSITIVE_INFINITY]), tolerance: 10 };
  expect(compare("x", values([1, Number.POSITIVE_INFINITY]), expected).passed).toBe(true);
  expect(compare("x", values([Number.NaN, Number.POSITIVE_INFINITY]), expected).passed).toBe(false);
  expect(compare("x", values([1, Number.NEGATIVE_INFINITY]), expected).passed).toBe(false);
  expect(compare("x", values([1, 7]), expected).passed).toBe(false);
});

test("a quantity that is missing, of another shape or without elements fails", () => {
  const expected = { ...values([1, 2], [2, 1]), tolerance: 1 };
  expect(compare("x", undefined, expected)).toMatchObject({ passed: false, problem: "not computed" });
  expect(compare("x", values([1, 2], [1, 2]), expected).problem).toBe("shape [1, 2], expected [2, 1]");
  expect(compare("x", values([]), { ...values([]), tolerance: 1 })).toMatchObject({ problem: "nothing to compare" });
});

test("only places where the mask has the value count", () => {
  // mask [2] over axis 0 of [2, 3]: the second row is padding.
  const where = { mask: values([1, 0]), equals: 1, axes: [0] };
  const expected = { ...values([1, 2, 3, 4, 5, 6], [2, 3]), tolerance: 0, where };
  const got = compare("x", values([1, 2, 3, 9, 9, 9], [2, 3]), expected);
  expect(got).toMatchObject({ passed: true, compared: 3 });
  expect(compare("x", values([1, 2, 9, 4, 5, 6], [2, 3]), expected).passed).toBe(false);
  const last = { ...where, mask: values([0, 0, 1]), axes: [1] };
  expect(compare("x", values([0, 0, 3, 0, 0, 6], [2, 3]), { ...expected, where: last })).toMatchObject({
    ...{ passed: true, compared: 2 },
  });
});
