import { describe, expect, test } from "vitest";
import { type Batch, sequentialWindows } from "../src/index.ts";
import { thrownBy } from "./support.ts";

const textOf = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => 5 * i + 3);

describe("sequentialWindows", () => {
  test("predicts every token but the first exactly once, in order, for many sizes", () => {
    for (const length of [2, 3, 4, 5, 9, 16, 17, 18, 33, 50, 51]) {
      for (const contextLength of [1, 2, 3, 4, 16, 60]) {
        for (const batchSize of [1, 2, 3, 100]) {
          const tokens = textOf(length);
          const windows = sequentialWindows({ tokens, contextLength, batchSize });
          const batches: Batch[] = [];
          for (let batch = windows.next(); batch; batch = windows.next()) batches.push(batch);
          expect(batches.flatMap(({ targets }) => [...targets])).toEqual([...tokens.subarray(1)]);
          expect(batches.flatMap(({ inputs }) => [...inputs])).toEqual([...tokens.subarray(0, -1)]);
          expect(batches.length).toBe(windows.numBatches);
          expect([...windows], "iterating is a pass of its own").toEqual(batches);
          for (const { B, T, inputs } of batches) {
            expect(inputs.length).toBe(B * T);
            expect(B >= 1 && B <= batchSize && T >= 1 && T <= contextLength).toBe(true);
          }
          // Only at the end there may be fewer windows, and after them one shorter window.
          const full = batches.filter(({ T }) => T === contextLength);
          expect(full.slice(0, -1).every(({ B }) => B === batchSize)).toBe(true);
          expect(batches.slice(0, full.length)).toEqual(full);
          expect(batches.length - full.length).toBe((length - 1) % contextLength > 0 ? 1 : 0);
        }
      }
    }
  });

  test("stays at the end", () => {
    const windows = sequentialWindows({ tokens: textOf(5), contextLength: 4, batchSize: 1 });
    expect(windows.next()?.B).toBe(1);
    expect([windows.next(), windows.next()]).toEqual([undefined, undefined]);
  });

  test("continues from a saved place, the end included", () => {
    const options = { tokens: textOf(50), contextLength: 4, batchSize: 3 };
    const all = [...sequentialWindows(options)];
    for (let done = 0; done <= all.length; done++) {
      const first = sequentialWindows(options);
      for (let i = 0; i < done; i++) first.next();
      const second = sequentialWindows(options);
      second.restore(JSON.parse(JSON.stringify(first.state())));
      expect(second.next()).toEqual(all[done]);
    }
    const windows = sequentialWindows(options);
    expect(JSON.stringify(windows.state())).toMatchInlineSnapshot(
      `"{"kind":"sequentialWindows","contextLength":4,"batchSize":3,"numTokens":50,"step":0}"`,
    );
    expect(thrownBy(() => windows.restore({ ...windows.state(), step: all.length + 1 }))).toMatchInlineSnapshot(
      `"RangeError: restore: state.step is out of range, expected a whole number in 0..5, got 6. The saved state is damaged"`,
    );
    expect(thrownBy(() => windows.restore({ ...windows.state(), contextLength: 8 }))).toMatchInlineSnapshot(
      `"RangeError: restore: state.contextLength is 8, expected 4 (from this cursor). Continue with the same text and options"`,
    );
  });

  test("checks its options", () => {
    expect(
      thrownBy(() => sequentialWindows({ tokens: textOf(1), contextLength: 4, batchSize: 1 })),
    ).toMatchInlineSnapshot(
      `"RangeError: sequentialWindows: tokens has length 1, expected at least 2. Give more text"`,
    );
    expect(
      thrownBy(() => sequentialWindows({ tokens: textOf(9), contextLength: 0, batchSize: 1 })),
    ).toMatchInlineSnapshot(
      `"RangeError: sequentialWindows: contextLength is out of range, expected a whole number in 1..2147483647, got 0"`,
    );
    expect(
      thrownBy(() => sequentialWindows({ tokens: textOf(9), contextLength: 4, batchSize: 1.5 })),
    ).toMatchInlineSnapshot(
      `"RangeError: sequentialWindows: batchSize is out of range, expected a whole number in 1..2147483647, got 1.5"`,
    );
  });
});
