import { normalInit } from "@heed/nn";
import {
  arange,
  countBuffers,
  dataSync,
  referenceBackend,
  rng,
  scope,
  slice,
  sum,
  type Tensor,
  tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { expect, test } from "vitest";
import {
  type AttentionFn,
  and,
  causal,
  createMultiHeadAttention,
  localWindowAttention,
  slidingWindow,
  softmaxAttention,
  WindowedKeyValueCache,
} from "../src/index.ts";
import { expectClose } from "../src/testing.ts";

useBackend(referenceBackend());

const init = normalInit({ std: 0.5, rng: rng(101), dtype: "float64" });
const windowSize = 4;
const mask = and(causal(), slidingWindow({ windowSize }));
const T = 13;
const x = init([2, T, 8]);
const tokens = (from: number, to: number): Tensor => slice(x, [0, from, 0], [2, to - from, 8]);
const layerOf = (attention: AttentionFn) =>
  createMultiHeadAttention({ dModel: 8, numHeads: 4, numKvHeads: 2, attention, weight: init });
const layer = layerOf(softmaxAttention());

/** The outputs of calls that end at the given places, as one sequence of each batch row. */
function decode(cache: WindowedKeyValueCache, ends: readonly number[], of = layer, take = tokens): number[] {
  const rows: number[][] = [[], []];
  let from = 0;
  for (const to of ends) {
    const positions = arange(from, to);
    const keyPositions = cache.extend(positions);
    const y = dataSync(
      of.forward(take(from, to), {
        positions,
        keyPositions,
        mask: mask(positions, keyPositions),
        cache: cache.layers[0]!,
      }),
    );
    rows.forEach((row, b) => row.push(...y.slice((b * y.length) / 2, ((b + 1) * y.length) / 2)));
    from = to;
  }
  return rows.flat();
}
const upTo = (count: number) => Array.from({ length: count }, (_, t) => t + 1);
const whole = dataSync(layer.forward(x, { mask: mask(arange(0, T), arange(0, T)) }));

test.each([[upTo(T)], [[3, ...upTo(T).slice(3)]], [[5, 6, 7, 11, 13]], [[2, 4, 12, 13]], [[13]], [[4, 5, 13]]])(
  "decoding in calls that end at %j equals one pass",
  (ends) => {
    const cache = new WindowedKeyValueCache({ numLayers: 1, windowSize });
    expectClose("steps", decode(cache, ends), whole, 1e-12);
    expect(cache.length).toBe(T);
    cache.dispose();
  },
);

test("local window attention decodes from it too", () => {
  const local = layerOf(localWindowAttention({ windowSize, causal: true }));
  const cache = new WindowedKeyValueCache({ numLayers: 1, windowSize });
  const expected = dataSync(local.forward(x));
  expectClose("steps", decode(cache, upTo(T), local), expected, 1e-12);
  cache.dispose();
});

test("holds no more than the window, however long the text", () => {
  const cache = new WindowedKeyValueCache({ numLayers: 1, windowSize });
  const step = (t: number): number =>
    scope(() => {
      const keyPositions = cache.extend(arange(t, t + 1));
      const row = tokens(t % T, (t % T) + 1);
      const call = { mask: mask(arange(t, t + 1), keyPositions), cache: cache.layers[0]! };
      layer.forward(row, call);
      return keyPositions.size;
    });
  step(0);
  const held = countBuffers(referenceBackend()).buffers;
  const sizes = Array.from({ length: 30 }, (_, t) => step(t + 1));
  expect(countBuffers(referenceBackend()).buffers).toBe(held);
  expect(sizes.slice(0, 5)).toEqual([2, 3, 4, 4, 4]);
  expect(cache.length).toBe(31);
  cache.dispose();
  expect(countBuffers(referenceBackend()).buffers).toBe(held - 3);
});

test("reorder swaps rows; reset starts over", () => {
  const cache = new WindowedKeyValueCache({ numLayers: 1, windowSize });
  decode(cache, [1, 2, 3, 4, 5, 6]);
  cache.reorder([1, 0]);
  const positions = arange(6, 7);
  const keyPositions = cache.extend(positions);
  const swapped = slice(x, [0, 6, 0], [2, 1, 8]);
  const y = dataSync(
    layer.forward(swapRows(swapped), { mask: mask(positions, keyPositions), cache: cache.layers[0]! }),
  );
  expectClose("row 1 first", y.slice(0, 8), whole.slice((T + 6) * 8, (T + 7) * 8), 1e-12);
  cache.reset();
  expectClose("again", decode(cache, upTo(T)), whole, 1e-12);
  cache.dispose();
});
const swapRows = (y: Tensor): Tensor => {
  const values = Array.from(dataSync(y));
  return tensor([[values.slice(8)], [values.slice(0, 8)]], { dtype: "float64" });
};

test("names what does not fit", () => {
  expect(() => new WindowedKeyValueCache({ numLayers: 1, windowSize: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: WindowedKeyValueCache: windowSize is out of range, expected a whole number >= 1, got 0]`,
  );
  const cache = new WindowedKeyValueCache({ numLayers: 1, windowSize });
  const append = (y: Tensor) => () => cache.layers[0]!.append(y, y);
  cache.extend(arange(0, 2));
  expect(append(init([1, 2, 3, 4]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: WindowedKeyValueCache: keys of layer 0 has shape [1, 2, 3, 4], expected T=2 (from extend). Call extend first, in every step]`,
  );
  append(init([1, 2, 2, 4]))();
  cache.extend(arange(2, 3));
  expect(append(init([2, 2, 1, 4]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: WindowedKeyValueCache: keys of layer 0 has shape [2, 2, 1, 4], expected [1, 2, T, 4] (from earlier calls). Reset between batches]`,
  );
  const y = init([1, 2, 1, 4]);
  expect(() => valueAndGradients(() => sum(append(y)().keys), [y])).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: WindowedKeyValueCache: keys of layer 0 are being differentiated, expected inference. Train without a cache]`,
  );
  cache.dispose();
});
