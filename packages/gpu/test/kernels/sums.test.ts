import { cumulativeSum, data, fromArray, gather, scatterAdd, sum, useBackend, valueAndGradients } from "@heed/tensor";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGpuBackend } from "../../src/index.ts";

let before: ReturnType<typeof useBackend>;
beforeAll(async () => {
  before = useBackend(await createGpuBackend({ prefer: "cpu", strict: true }));
});
afterAll(() => void (before && useBackend(before)));

/** Whole numbers from -8 to 8: their sums are exact, so that every order gives the same. */
const wholes = (length: number): number[] => Array.from({ length }, (_, i) => ((i * 7919 + (i >> 3)) % 17) - 8);

for (const count of [7, 32, 33, 500]) {
  test(`${count} updates reach their positions, outer and inner axes apart`, async () => {
    const [outer, size, inner] = [2, 11, 3];
    const updates = wholes(outer * count * inner);
    // position 4 gets none
    const indices = Int32Array.from({ length: count }, (_, i) => [0, 10, 3, 3, 7, 1, 9][(i * i + 3 * i) % 7]!);
    const expected = new Array<number>(outer * size * inner).fill(0);
    for (let o = 0; o < outer; o++)
      for (let k = 0; k < count; k++)
        for (let c = 0; c < inner; c++)
          expected[(o * size + indices[k]!) * inner + c]! += updates[(o * count + k) * inner + c]!;
    const x = fromArray(updates, [outer, count, inner]);
    const y = scatterAdd(x, fromArray(indices, [count]), { axis: 1, size });
    expect([...(await data(y))]).toEqual(expected);
  });
}

test("the gradient of an embedding counts how often each row was looked up", async () => {
  const tokens = Int32Array.from({ length: 120 }, (_, i) => (i * i) % 13);
  const table = fromArray(new Float32Array(13 * 2), [13, 2]);
  const { gradients } = valueAndGradients(() => sum(gather(table, fromArray(tokens, [120]))), [table]);
  const uses = new Array<number>(13).fill(0);
  for (const token of tokens) uses[token]!++;
  expect([...(await data(gradients[0]!))]).toEqual(uses.flatMap((n) => [n, n]));
});

for (const reverse of [false, true]) {
  for (const exclusive of [false, true]) {
    for (const count of [31, 33, 1100]) {
      test(`cumulative sum of ${count}${reverse ? ", reverse" : ""}${exclusive ? ", exclusive" : ""}`, async () => {
        const [outer, inner] = [2, 3];
        const values = wholes(outer * count * inner);
        const expected = new Array<number>(values.length).fill(0);
        for (let o = 0; o < outer; o++)
          for (let c = 0; c < inner; c++) {
            let total = 0;
            for (let step = 0; step < count; step++) {
              const at = (o * count + (reverse ? count - 1 - step : step)) * inner + c;
              expected[at] = exclusive ? total : total + values[at]!;
              total += values[at]!;
            }
          }
        const y = cumulativeSum(fromArray(values, [outer, count, inner]), { axis: 1, reverse, exclusive });
        expect([...(await data(y))]).toEqual(expected);
      });
    }
  }
}
