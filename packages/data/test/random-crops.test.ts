import { describe, expect, test } from "vitest";
import { type Batch, randomCrops } from "../src/index.ts";
import { thrownBy } from "./support.ts";

const tokens = Int32Array.from({ length: 1000 }, (_, i) => 5 * i + 3); // each token tells its place
const options = { tokens, contextLength: 16, batchSize: 4, seed: 7 };
const rowsOf = ({ inputs, B, T }: Batch): number[][] =>
  Array.from({ length: B }, (_, row) => [...inputs.subarray(row * T, (row + 1) * T)]);

describe("randomCrops", () => {
  test("gives windows of the text, and what follows each token as its target", () => {
    const cursor = randomCrops(options);
    for (let step = 0; step < 50; step++) {
      const { inputs, targets, B, T } = cursor.next();
      expect([B, T, inputs.length, targets.length]).toEqual([4, 16, 64, 64]);
      inputs.forEach((token, i) => expect(targets[i]).toBe(token + 5));
      for (const row of rowsOf({ inputs, targets, B, T }))
        row.forEach((token, i) => expect(token).toBe(row[0]! + 5 * i));
    }
  });

  test("reaches every start, the last one included, about equally often", () => {
    const cursor = randomCrops({ tokens: tokens.subarray(0, 20), contextLength: 16, batchSize: 100, seed: 3 });
    const counts = new Map<number, number>();
    for (let step = 0; step < 100; step++)
      for (const [first] of rowsOf(cursor.next())) counts.set(first!, (counts.get(first!) ?? 0) + 1);
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([3, 8, 13, 18]); // places 0 to 3
    const sigma = Math.sqrt(10_000 * 0.25 * 0.75);
    for (const count of counts.values()) expect(Math.abs(count - 2500)).toBeLessThan(4 * sigma);
  });

  test("gives the same batches for the same seed, others for another", () => {
    const batches = (seed: number): number[][][] => {
      const cursor = randomCrops({ ...options, seed });
      return Array.from({ length: 5 }, () => rowsOf(cursor.next()));
    };
    expect(batches(7)).toEqual(batches(7));
    expect(batches(7)).not.toEqual(batches(8));
    expect(batches(2 ** 40 + 7)).not.toEqual(batches(7));
    const [first, second] = batches(7);
    expect(first).not.toEqual(second);
    expect(
      new Set(
        batches(7)
          .flat()
          .map(([start]) => start),
      ).size,
      "rows and steps draw different starts",
    ).toBeGreaterThan(15);
  });

  test("draws starts anywhere in a very long text", () => {
    // More than 2^24 starts: a generator with 24 random bits would only reach even ones.
    const long = new Int32Array(2 ** 25 + 1);
    for (let i = 0; i < long.length; i++) long[i] = i;
    const cursor = randomCrops({ tokens: long, contextLength: 1, batchSize: 64, seed: 1 });
    const starts = cursor.next().inputs;
    expect(starts.some((start) => start % 2 === 1)).toBe(true);
    expect(Math.max(...starts)).toBeGreaterThan(2 ** 24);
  });

  test("continues exactly from a saved place, by way of JSON", () => {
    const cursor = randomCrops(options);
    for (let step = 0; step < 13; step++) cursor.next();
    const saved = JSON.stringify(cursor.state());
    const expected = Array.from({ length: 5 }, () => cursor.next());
    const resumed = randomCrops(options);
    resumed.next();
    resumed.restore(JSON.parse(saved));
    expect(Array.from({ length: 5 }, () => resumed.next())).toEqual(expected);
    expect(saved).toMatchInlineSnapshot(
      `"{"kind":"randomCrops","seed":7,"contextLength":16,"batchSize":4,"numTokens":1000,"step":13}"`,
    );
  });

  test("refuses another run's place, and then stays where it was", () => {
    const cursor = randomCrops(options);
    cursor.next();
    const state = cursor.state();
    expect(thrownBy(() => cursor.restore({ ...state, seed: 8 }))).toMatchInlineSnapshot(
      `"RangeError: restore: state.seed is 8, expected 7 (from this cursor). Continue with the same text and options"`,
    );
    expect(thrownBy(() => cursor.restore({ ...state, numTokens: 999 }))).toMatchInlineSnapshot(
      `"RangeError: restore: state.numTokens is 999, expected 1000 (from this cursor). Continue with the same text and options"`,
    );
    expect(thrownBy(() => cursor.restore({ ...state, step: -1 }))).toMatchInlineSnapshot(
      `"RangeError: restore: state.step is out of range, expected a whole number in 0..4294967296, got -1. The saved state is damaged"`,
    );
    for (const wrong of [
      undefined,
      null,
      5,
      "x",
      [],
      {},
      { ...state, kind: "sequentialWindows" },
      { ...state, step: 1.5 },
      { ...state, step: "1" },
      { ...state, batchSize: 5 },
      { ...state, contextLength: 1 },
    ]) {
      expect(() => cursor.restore(wrong)).toThrow(RangeError);
    }
    expect(cursor.state()).toEqual(state);
  });

  test("checks its options", () => {
    expect(randomCrops({ ...options, contextLength: 999 }).next().inputs[0]).toBe(3); // the only window there is
    expect(thrownBy(() => randomCrops({ ...options, contextLength: 1000 }))).toMatchInlineSnapshot(
      `"RangeError: randomCrops: tokens has length 1000, expected at least 1001 (from contextLength 1000). Give more text or a shorter context"`,
    );
    expect(thrownBy(() => randomCrops({ ...options, batchSize: 0 }))).toMatchInlineSnapshot(
      `"RangeError: randomCrops: batchSize is out of range, expected a whole number in 1..2147483647, got 0"`,
    );
    expect(thrownBy(() => randomCrops({ ...options, seed: -1 }))).toMatchInlineSnapshot(
      `"RangeError: randomCrops: seed is out of range, expected a whole number in 0..2^53-1, got -1"`,
    );
    for (const wrong of [0, -1, 1.5, Number.NaN, Infinity, 2 ** 31]) {
      expect(() => randomCrops({ ...options, contextLength: wrong })).toThrow(
        /randomCrops: contextLength is out of range/,
      );
      expect(() => randomCrops({ ...options, batchSize: wrong })).toThrow(/randomCrops: batchSize is out of range/);
    }
  });
});
