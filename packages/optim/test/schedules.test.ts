import { expectGolden, golden } from "@heed/test-tools";
import { expect, test } from "vitest";
import {
  constantSchedule,
  cosineRestartsSchedule,
  cosineSchedule,
  inverseSqrtSchedule,
  linearSchedule,
  noamSchedule,
  polynomialSchedule,
  type Schedule,
} from "../src/index.ts";

const fixture = golden("unit-schedules");
const warm = { warmupSteps: 10, totalSteps: 60 };

/** Each recorded schedule, as this package says it. */
const schedules: Readonly<Record<string, Schedule>> = {
  constant_warmup: constantSchedule({ warmupSteps: 10 }),
  linear: linearSchedule(warm),
  cosine: cosineSchedule(warm),
  cosine_restarts: cosineRestartsSchedule({ ...warm, cycles: 2 }),
  polynomial: polynomialSchedule({ ...warm, minimum: 0.1, power: 2 }),
  inverse_sqrt: inverseSqrtSchedule({ warmupSteps: 10 }),
  noam: noamSchedule({ dModel: 512, warmupSteps: 10 }),
  cosine_annealing: cosineSchedule({ totalSteps: 60, minimum: 0.05 }),
};

for (const { name, outputs } of fixture?.cases ?? []) {
  test(`unit-schedules ${name}`, () => {
    const expected = outputs["schedule"]!;
    const got = Float32Array.from(expected.values, (_, update) => schedules[name]!(update));
    expectGolden(got, expected, name);
  });
}
if (!fixture) test.skip("unit-schedules is absent (reason printed above)", () => {});

test("the shapes of schedules, by hand", () => {
  expect(linearSchedule({ peak: 2, warmupSteps: 2, totalSteps: 6 })(1)).toBe(1);
  expect(linearSchedule({ peak: 2, warmupSteps: 2, totalSteps: 6 })(4)).toBe(1);
  expect(cosineSchedule({ peak: 1e-3, minimum: 1e-4, warmupSteps: 100, totalSteps: 2000 })(1050)).toBeCloseTo(
    5.5e-4,
    12,
  );
  expect(cosineRestartsSchedule({ peak: 1, totalSteps: 10, cycles: 1 })(50)).toBe(0);
  expect(linearSchedule({ totalSteps: 10 })(50)).toBe(0);
  expect(noamSchedule({ dModel: 512, warmupSteps: 4000 })(4000)).toBeCloseTo(512 ** -0.5 * 4000 ** -0.5, 12);
});

test("options out of range are named", () => {
  expect(() => cosineSchedule({ totalSteps: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: cosineSchedule: totalSteps is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => cosineSchedule({ totalSteps: 5, warmupSteps: 6 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: cosineSchedule: totalSteps is out of range, expected a whole number >= 6 (from warmupSteps), got 5]`,
  );
  expect(() => linearSchedule({ totalSteps: 5, peak: Number.NaN })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: linearSchedule: peak is out of range, expected a finite number >= 0, got NaN]`,
  );
  expect(() => noamSchedule({ dModel: 0, warmupSteps: 4 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: noamSchedule: dModel is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => inverseSqrtSchedule({ warmupSteps: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: inverseSqrtSchedule: warmupSteps is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => polynomialSchedule({ totalSteps: 5, power: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: polynomialSchedule: power is out of range, expected a finite number > 0, got -1]`,
  );
});
