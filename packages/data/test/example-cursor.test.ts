import { describe, expect, test } from "vitest";
import { type ExampleCursor, lengthBuckets, shuffledExamples } from "../src/index.ts";
import { thrownBy } from "./support.ts";

const take = (cursor: ExampleCursor, batches: number): number[][] =>
  Array.from({ length: batches }, () => [...cursor.next()]);
const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe("shuffledExamples", () => {
  const options = { count: 12, batchSize: 4, seed: 3 };

  test("takes every example once in an epoch, in another order each time", () => {
    const cursor = shuffledExamples(options);
    const epochs = Array.from({ length: 20 }, () => take(cursor, 3).flat());
    for (const epoch of epochs) expect(ascending(epoch)).toEqual(numbers(12));
    expect(new Set(epochs.map(String)).size).toBe(20);
  });

  test("puts every example first about equally often", () => {
    const cursor = shuffledExamples({ count: 4, batchSize: 4, seed: 1 });
    const counts = [0, 0, 0, 0];
    for (const [first] of take(cursor, 4000)) counts[first!]!++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(4 * Math.sqrt(4000 * 0.25 * 0.75));
  });

  test("passes over what is less than a batch", () => {
    const cursor = shuffledExamples({ ...options, count: 11 });
    expect(new Set(take(cursor, 2).flat()).size).toBe(8);
    expect(new Set(take(cursor, 40).flat()).size).toBe(11);
  });
});

describe("lengthBuckets", () => {
  const lengths = Int32Array.from({ length: 500 }, (_, i) => 1 + ((i * 37) % 50));
  const options = { lengths, tokensPerBatch: 120, seed: 5 };

  /** Batches of one epoch. */
  const epochOf = (cursor: ExampleCursor): number[][] => {
    const batches: number[][] = [];
    for (let count = 0; count < 500; count += batches.at(-1)!.length) batches.push([...cursor.next()]);
    return batches;
  };

  test("takes every example once in an epoch, in batches that are no larger than said", () => {
    const cursor = lengthBuckets(options);
    const epochs = [epochOf(cursor), epochOf(cursor)];
    for (const batches of epochs) {
      expect(ascending(batches.flat())).toEqual(numbers(500));
      for (const batch of batches)
        expect(batch.length * Math.max(...batch.map((place) => lengths[place]!))).toBeLessThanOrEqual(120);
    }
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  test("leaves little padding, and does not go from short to long", () => {
    const batches = epochOf(lengthBuckets(options));
    const longest = batches.map((batch) => Math.max(...batch.map((place) => lengths[place]!)));
    const used = batches.flat().reduce((sum, place) => sum + lengths[place]!, 0);
    const taken = batches.reduce((sum, batch, i) => sum + batch.length * longest[i]!, 0);
    expect(used / taken).toBeGreaterThan(0.9);
    expect(longest).not.toEqual(ascending(longest));
  });

  test("sorts in pools: far more examples than one", () => {
    const many = new Int32Array(10_000).fill(3);
    const cursor = lengthBuckets({ lengths: many, tokensPerBatch: 3000, seed: 1 });
    const first = take(cursor, 12).flat();
    expect(new Set(first).size).toBe(10_000);
  });
});

describe("a place", () => {
  const make = {
    shuffled: () => shuffledExamples({ count: 10, batchSize: 3, seed: 2 }),
    bucketed: () => lengthBuckets({ lengths: [3, 1, 2, 5, 4, 1], tokensPerBatch: 6, seed: 2 }),
  };

  test.each(Object.values(make))("goes on where it was saved, through JSON, over epochs", (build) => {
    for (const before of [0, 1, 3, 7, 20]) {
      const cursor = build();
      take(cursor, before);
      const again = build();
      again.restore(JSON.parse(JSON.stringify(cursor.state())));
      expect(take(again, 9)).toEqual(take(cursor, 9));
    }
  });

  test("of another list, or damaged, is refused", () => {
    const cursor = make.shuffled();
    take(cursor, 2);
    const state = cursor.state();
    const before = take(make.shuffled(), 3)[2];
    for (const wrong of [
      { ...state, seed: 3 },
      { ...state, epoch: -1 },
      { ...state, batch: 9 },
      { ...state, batch: "1" },
      null,
    ])
      expect(thrownBy(() => cursor.restore(wrong))).toMatch(/^RangeError/);
    expect([...cursor.next()]).toEqual(before);
    expect(thrownBy(() => cursor.restore({ ...state, count: 9 }))).toMatchInlineSnapshot(
      `"RangeError: restore: state.count is 9, expected 10 (from this cursor). Continue with the same examples and options"`,
    );
    expect(thrownBy(() => cursor.restore({ ...state, batch: 4 }))).toMatchInlineSnapshot(
      `"RangeError: restore: state.epoch and state.batch are wrong, expected a place in the examples, got 0 and 4. The saved state is damaged"`,
    );
  });
});

test("bad options are refused", () => {
  const messages = [
    () => shuffledExamples({ count: 2, batchSize: 3, seed: 1 }),
    () => shuffledExamples({ count: 2, batchSize: 0, seed: 1 }),
    () => shuffledExamples({ count: 2, batchSize: 1, seed: -1 }),
    () => lengthBuckets({ lengths: [], tokensPerBatch: 3, seed: 1 }),
    () => lengthBuckets({ lengths: [2, 0], tokensPerBatch: 3, seed: 1 }),
    () => lengthBuckets({ lengths: [2, 4], tokensPerBatch: 3, seed: 1 }),
  ].map((make) => thrownBy(make));
  expect(messages).toMatchInlineSnapshot(`
    [
      "RangeError: shuffledExamples: count is out of range, expected a whole number >= 3, got 2",
      "RangeError: shuffledExamples: batchSize is out of range, expected a whole number >= 1, got 0",
      "RangeError: shuffledExamples: seed is out of range, expected a whole number >= 0, got -1",
      "RangeError: lengthBuckets: lengths.length is out of range, expected a whole number >= 1, got 0",
      "RangeError: lengthBuckets: lengths[1] is out of range, expected a whole number >= 1, got 0",
      "RangeError: lengthBuckets: lengths[1] is too large, expected at most 3 (tokensPerBatch), got 4. Shorten the example",
    ]
  `);
});
