import {
  arange,
  countBuffers,
  dataSync,
  fromArray,
  referenceBackend,
  scope,
  sum,
  type Tensor,
  tensor,
  useBackend,
  valueAndGradients,
  zeros,
} from "@heed/tensor";
import { expect, test } from "vitest";
import { KeyValueCache } from "../src/index.ts";

useBackend(referenceBackend());

/** [B, 1, T, 1] with values of rows b: 100 b + start + t. */
const numbered = (B: number, start: number, T: number): Tensor =>
  fromArray(
    Array.from({ length: B * T }, (_, i) => 100 * Math.floor(i / T) + start + (i % T)),
    [B, 1, T, 1],
  );

function push(cache: KeyValueCache, B: number, start: number, T: number) {
  const keyPositions = cache.extend(arange(start, start + T));
  const { keys, values, length } = cache.layers[0]!.append(numbered(B, start, T), numbered(B, start + 0.5, T));
  return { keyPositions, keys, values, length };
}

test("gives back all keys and values in order, and says which places are filled", () => {
  const cache = new KeyValueCache({ numLayers: 1, maxSeqLen: 200 });
  push(cache, 2, 0, 3);
  const { keyPositions, keys, values, length } = push(cache, 2, 3, 2);
  expect([cache.length, length]).toEqual([5, 5]);
  expect(keys.shape).toEqual([2, 1, 64, 1]);
  expect([...dataSync(keys).slice(0, 6)]).toEqual([0, 1, 2, 3, 4, 0]);
  expect([...dataSync(keys).slice(64, 70)]).toEqual([100, 101, 102, 103, 104, 0]);
  expect([...dataSync(values).slice(0, 3)]).toEqual([0.5, 1.5, 2.5]);
  expect([...dataSync(keyPositions)]).toEqual([0, 1, 2, 3, 4]);
  cache.dispose();
});

test("writes in place until a block is full, then grows up to maxSeqLen", () => {
  const cache = new KeyValueCache({ numLayers: 1, maxSeqLen: 100 });
  const first = push(cache, 1, 0, 63).keys;
  expect(push(cache, 1, 63, 1).keys).toBe(first);
  const { keys } = push(cache, 1, 64, 1);
  expect(keys.shape[2]).toBe(100);
  expect([...dataSync(keys).slice(0, 66)]).toEqual([...Array.from({ length: 65 }, (_, i) => i), 0]);
  expect(push(cache, 1, 65, 35).keys).toBe(keys);
  cache.dispose();
});

test("survives scopes and frees everything in the end", () => {
  const before = countBuffers().buffers;
  const cache = new KeyValueCache({ numLayers: 2, maxSeqLen: 70 });
  const step = (t: number) =>
    scope(() => {
      cache.extend(arange(t, t + 1));
      for (const layer of cache.layers) layer.append(numbered(1, t, 1), numbered(1, t, 1));
    });
  step(0);
  const live = countBuffers().buffers;
  for (let t = 1; t < 70; t++) step(t);
  expect(countBuffers().buffers).toBe(live);
  cache.dispose();
  expect(countBuffers().buffers).toBe(before);
  expect(cache.length).toBe(0);
});

test("reset forgets, and another batch size may follow", () => {
  const cache = new KeyValueCache({ numLayers: 1, maxSeqLen: 8 });
  push(cache, 1, 0, 2);
  cache.reset();
  expect(push(cache, 3, 0, 1).keys.shape).toEqual([3, 1, 8, 1]);
  cache.dispose();
});

test("reorder picks rows of the batch, repeats included", () => {
  const cache = new KeyValueCache({ numLayers: 1, maxSeqLen: 2 });
  cache.extend(tensor([[0], [7]], { dtype: "int32" }));
  cache.layers[0]!.append(numbered(2, 1, 1), numbered(2, 1, 1));
  cache.reorder([1, 1, 0]);
  const keyPositions = cache.extend(tensor([[8], [8], [1]], { dtype: "int32" }));
  const { keys } = cache.layers[0]!.append(numbered(3, 0, 1), numbered(3, 0, 1));
  expect([...dataSync(keys)]).toEqual([101, 0, 101, 100, 1, 200]);
  expect([...dataSync(keyPositions)]).toEqual([7, 8, 7, 8, 0, 1]);
  cache.dispose();
});

test.each([1, 2])("a copy goes on by itself, positions of rank %i", (rank) => {
  const at = (first: number, second: number): Tensor =>
    rank === 1 ? tensor([first], { dtype: "int32" }) : tensor([[first], [second]], { dtype: "int32" });
  const cache = new KeyValueCache({ numLayers: 1, maxSeqLen: 3 });
  cache.extend(at(0, 7));
  cache.layers[0]!.append(numbered(2, 1, 1), numbered(2, 1, 1));
  const copy = cache.copy([1, 0]);
  cache.extend(at(5, 5));
  cache.layers[0]!.append(numbered(2, 5, 1), numbered(2, 5, 1));
  cache.dispose();
  const positions = [...dataSync(copy.extend(at(1, 8)))];
  const { keys } = copy.layers[0]!.append(numbered(2, 2, 1), numbered(2, 2, 1));
  expect(copy.length).toBe(2);
  expect(positions).toEqual(rank === 1 ? [0, 1] : [7, 1, 0, 8]);
  const stored = dataSync(keys);
  const row = keys.shape[2]!;
  expect([stored[0], stored[1], stored[row], stored[row + 1]]).toEqual([101, 2, 1, 102]);
  copy.dispose();
});

test("names what does not fit", () => {
  expect(() => new KeyValueCache({ numLayers: 0, maxSeqLen: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: KeyValueCache: numLayers is out of range, expected a whole number >= 1, got 0]`,
  );
  const cache = new KeyValueCache({ numLayers: 1, maxSeqLen: 3 });
  push(cache, 1, 0, 2);
  expect(() => cache.extend(arange(2, 4))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: KeyValueCache: positions has 2 more after 2, expected at most maxSeqLen=3 in all, got 4. Shorten the text or start over with reset]`,
  );
  expect(() => cache.extend(tensor([[2]], { dtype: "int32" }))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: KeyValueCache: positions has shape [1, 1], expected [1] (from the positions of earlier calls)]`,
  );
  cache.extend(arange(2, 3));
  expect(() => cache.layers[0]!.append(zeros([2, 1, 1, 1]), zeros([2, 1, 1, 1]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: KeyValueCache: keys of layer 0 has shape [2, 1, 1, 1], expected [1, 1, T, 1] with T <= 3 (from extend). Call extend first, and reset between batches]`,
  );
  const k = zeros([1, 1, 1, 1]);
  expect(() =>
    valueAndGradients(() => sum(cache.layers[0]!.append(k, k).keys), [k]),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: KeyValueCache: keys of layer 0 are being differentiated, expected inference. Train without a cache]`,
  );
  cache.dispose();
});
