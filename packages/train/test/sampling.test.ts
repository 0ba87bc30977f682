import { rng } from "@heed/tensor";
import { expect, test } from "vitest";
import { greedy, sample } from "../src/index.ts";

const logits = Float32Array.from([0, 2, 1, 2, -1]);

/** How often each token comes in many draws. */
function frequencies(options: Parameters<typeof sample>[0], draws = 20_000): number[] {
  const pick = sample(options);
  const random = rng(7);
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < draws; i++) counts[pick(logits, random)]!++;
  return counts.map((count) => count / draws);
}

/** The softmax of some of the logits, computed here. */
function softmax(temperature: number, kept: readonly number[]): number[] {
  const total = kept.reduce((sum, id) => sum + Math.exp(logits[id]! / temperature), 0);
  return [...logits].map((logit, id) => (kept.includes(id) ? Math.exp(logit / temperature) / total : 0));
}

const all = [0, 1, 2, 3, 4];

/** Within four standard deviations of the expected share. */
function expectShares(got: readonly number[], expected: readonly number[]): void {
  got.forEach((share, id) =>
    expect(Math.abs(share - expected[id]!)).toBeLessThanOrEqual(
      4 * Math.sqrt((expected[id]! * (1 - expected[id]!)) / 20_000),
    ),
  );
}

test("greedy takes the most probable token, ties to the lowest id", () => {
  expect(greedy()(logits, rng(0))).toBe(1);
});

test("sample draws from the softmax of logits / temperature", () => {
  expectShares(frequencies({}), softmax(1, all));
  expectShares(frequencies({ temperature: 0.5 }), softmax(0.5, all));
});

test("top-k keeps the k most probable, top-p the fewest that add up to p, min-p by share of the best", () => {
  expectShares(frequencies({ topK: 3 }), softmax(1, [1, 3, 2]));
  // 1 and 3 together have 0.76 of the mass; 0.8 needs token 2 as well.
  expectShares(frequencies({ topP: 0.7 }), softmax(1, [1, 3]));
  expectShares(frequencies({ topP: 0.8 }), softmax(1, [1, 3, 2]));
  // Token 2 is 1/e = 0.37 times as probable as the best, token 0 0.14 times.
  expectShares(frequencies({ minP: 0.3 }), softmax(1, [1, 3, 2]));
  expectShares(frequencies({ topK: 1 }), [0, 1, 0, 0, 0]);
});

test("the same seed gives the same tokens", () => {
  const draw = () => {
    const random = rng(3);
    return Array.from({ length: 50 }, () => sample()(logits, random));
  };
  expect(draw()).toEqual(draw());
});

test("options out of range are named", () => {
  expect(() => sample({ temperature: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: temperature: value is out of range, expected a finite number > 0, got 0. Use greedy() for the limit 0]`,
  );
  expect(() => sample({ topK: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: topK: k is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => sample({ topP: 1.5 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: topP: p is out of range, expected a number in (0, 1], got 1.5]`,
  );
});
