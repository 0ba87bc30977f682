import { createLinear, normalInit, stateDict } from "@heed/nn";
import {
  arange,
  concatenate,
  dataSync,
  fromArray,
  referenceBackend,
  rng,
  slice,
  type Tensor,
  useBackend,
  zeros,
} from "@heed/tensor";
import { expect, test } from "vitest";
import {
  type AttentionFn,
  type AttentionView,
  causal,
  createMultiHeadAttention,
  KeyValueCache,
  LearnedMemory,
  MultiHeadAttention,
  OutputGate,
  softmaxAttention,
  zeroMemory,
} from "../src/index.ts";
import { expectClose } from "../src/testing.ts";

useBackend(referenceBackend());

const init = normalInit({ std: 0.5, rng: rng(81), dtype: "float64" });
const before = new LearnedMemory({ keys: init([2, 3, 4]), values: init([2, 3, 4]) });
const after = new LearnedMemory({ keys: init([2, 1, 4]), values: init([2, 1, 4]), side: "after" });
const memories = [before, after, zeroMemory()];
const softmax = softmaxAttention();
const layerOf = (attention: AttentionFn) =>
  createMultiHeadAttention({ dModel: 8, numHeads: 2, attention, memories, weight: init });
const x = init([1, 5, 8]);

test("attention sees memory before and after the sequence, whatever the mask", () => {
  const seen: Tensor[][] = [];
  const layer = layerOf((q, k, v, options) => {
    seen.push([k, v, options!.mask!]);
    return softmax(q, k, v, options);
  });
  const views: AttentionView[] = [];
  layer.forward(x, { mask: causal()(arange(0, 5), arange(0, 5)), observe: (view) => views.push(view) });
  const [k, v, mask] = seen[0]!;
  expect(k!.shape).toEqual([1, 2, 10, 4]);
  const at = (y: Tensor, place: number, count: number) =>
    Array.from(dataSync(slice(y, [0, 0, place, 0], [1, 2, count, 4])));
  expect(at(k!, 0, 3)).toEqual(Array.from(dataSync(before.keys)));
  expect(at(v!, 8, 1)).toEqual(Array.from(dataSync(after.values)));
  expect(at(v!, 9, 1)).toEqual(new Array(8).fill(0));
  const visible = Array.from(dataSync(mask!)).join("").match(/.{10}/g);
  expect(visible).toEqual(["1111000011", "1111100011", "1111110011", "1111111011", "1111111111"]);
  expect(views[0]!.probs.shape).toEqual([1, 2, 5, 10]);
});

test("a cache that is not full does not mind memory around it; probs leave its empty places out", () => {
  const layer = layerOf(softmax);
  const whole = dataSync(layer.forward(x, { mask: causal()(arange(0, 5), arange(0, 5)) }));
  const cache = new KeyValueCache({ numLayers: 1, maxSeqLen: 64 });
  const steps: number[] = [];
  for (let t = 0; t < 5; t++) {
    const positions = arange(t, t + 1);
    const mask = causal()(positions, cache.extend(positions));
    const call = {
      mask,
      cache: cache.layers[0]!,
      observe: ({ probs }: AttentionView) => expect(probs.shape[3]).toBe(t + 6),
    };
    steps.push(...dataSync(layer.forward(slice(x, [0, t, 0], [1, 1, 8]), call)));
  }
  expectClose("steps", steps, whole, 1e-12);
  cache.dispose();
});

test("learned memory is found and zero memory is not", () => {
  expect([...stateDict(layerOf(softmax)).keys()].filter((name) => name.startsWith("memories"))).toEqual([
    "memories.0.keys",
    "memories.0.values",
    "memories.1.keys",
    "memories.1.values",
  ]);
});

test("an output gate multiplies heads, or each of their values, by a sigmoid of the input", () => {
  const plain = createMultiHeadAttention({ dModel: 8, numHeads: 2, attention: softmax, weight: init });
  const eye = fromArray(
    Float64Array.from({ length: 64 }, (_, i) => Number(i % 9 === 0)),
    [8, 8],
    { dtype: "float64" },
  );
  const output = createLinear({ dIn: 8, dOut: 8, weight: () => eye });
  const { projection, attention } = plain;
  const heads = Array.from(dataSync(new MultiHeadAttention({ projection, output, attention }).forward(x)));
  for (const dOut of [2, 8]) {
    const gate = new OutputGate({ projection: createLinear({ dIn: 8, dOut, weight: init, bias: init }) });
    const gates = Array.from(dataSync(gate.projection.forward(x)), (value) => 1 / (1 + Math.exp(-value)));
    const gated = new MultiHeadAttention({ projection, output, attention, gate }).forward(x);
    expectClose(
      `${dOut} gates`,
      dataSync(gated),
      heads.map((value, i) => value * gates[Math.floor(i / 8) * dOut + Math.floor((i % 8) / (8 / dOut))]!),
      1e-12,
    );
  }
});

test("hooks that see queries, keys and probs: Shaw's relative keys and values in plain loops", () => {
  const [toKeys, toValues] = [init([9, 4]), init([9, 4])];
  const at = (table: Tensor, distance: number) =>
    Array.from(dataSync(table)).slice((distance + 4) * 4, (distance + 5) * 4);
  const rows = (y: Tensor) => Array.from(dataSync(y));
  const position = {
    contentBias(q: Tensor, k: Tensor, queryPositions: Tensor, keyPositions: Tensor): Tensor {
      expect(k.shape).toEqual([1, 1, keyPositions.size, 4]);
      const [T, S] = [queryPositions.size, keyPositions.size];
      const scores = Array.from({ length: 2 * T * S }, (_, i) => {
        const [h, t, s] = [Math.floor(i / T / S), Math.floor(i / S) % T, i % S];
        const query = rows(q).slice((h * T + t) * 4, (h * T + t + 1) * 4);
        const relative = at(toKeys, dataSync(keyPositions)[s]! - dataSync(queryPositions)[t]!);
        return query.reduce((total, value, d) => total + (value * relative[d]!) / 2, 0);
      });
      return fromArray(Float64Array.from(scores), [1, 2, T, S], { dtype: "float64" });
    },
    mixValues(probs: Tensor, queryPositions: Tensor, keyPositions: Tensor): Tensor {
      const [T, S] = [queryPositions.size, keyPositions.size];
      expect(probs.shape).toEqual([1, 2, T, S]);
      const mixed = Array.from({ length: 2 * T * 4 }, (_, i) => {
        const [row, t, d] = [Math.floor(i / 4), Math.floor(i / 4) % T, i % 4];
        return Array.from(dataSync(keyPositions)).reduce(
          (total, key, s) => total + rows(probs)[row * S + s]! * at(toValues, key - dataSync(queryPositions)[t]!)[d]!,
          0,
        );
      });
      return fromArray(Float64Array.from(mixed), [1, 2, T, 4], { dtype: "float64" });
    },
  };
  const layer = createMultiHeadAttention({
    dModel: 8,
    numHeads: 2,
    numKvHeads: 1,
    attention: softmax,
    position,
    weight: init,
  });
  const { qkv } = layer.projection as unknown as { qkv: { weight: Tensor } };
  const positions = arange(0, 5);
  const got = layer.forward(x, { positions, mask: causal()(positions, positions) });

  const project = (t: number) =>
    Array.from({ length: 16 }, (_, o) =>
      rows(x)
        .slice(t * 8, t * 8 + 8)
        .reduce((total, value, i) => total + value * rows(qkv.weight)[o * 8 + i]!, 0),
    );
  const expected = [0, 1, 2, 3, 4].flatMap((t) => {
    const joined = [0, 1].flatMap((h) => {
      const query = project(t).slice(h * 4, h * 4 + 4);
      const powers = Array.from({ length: t + 1 }, (_, s) =>
        Math.exp(
          query.reduce((total, value, d) => total + (value * (project(s)[8 + d]! + at(toKeys, s - t)[d]!)) / 2, 0),
        ),
      );
      const total = powers.reduce((a, b) => a + b);
      return [0, 1, 2, 3].map((d) =>
        powers.reduce((sum, power, s) => sum + (power / total) * (project(s)[12 + d]! + at(toValues, s - t)[d]!), 0),
      );
    });
    return Array.from({ length: 8 }, (_, o) =>
      joined.reduce((total, value, i) => total + value * rows(layer.output.weight)[o * 8 + i]!, 0),
    );
  });
  expectClose("Shaw", dataSync(got), expected, 1e-12);

  const cache = new KeyValueCache({ numLayers: 1, maxSeqLen: 64 });
  const steps = [0, 1, 2, 3, 4].flatMap((t) => {
    const at = arange(t, t + 1);
    const keyPositions = cache.extend(at);
    const call = { positions: at, keyPositions, mask: causal()(at, keyPositions), cache: cache.layers[0]! };
    return Array.from(dataSync(layer.forward(slice(x, [0, t, 0], [1, 1, 8]), call)));
  });
  expectClose("steps", steps, expected, 1e-12);
  cache.dispose();
});

test("names what does not fit", () => {
  expect(
    () => new LearnedMemory({ keys: init([2, 3, 4]), values: init([2, 2, 4]) }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: LearnedMemory: values has M=2 in shape [2, 2, 4], expected M=3 (from keys [2, 3, 4])]`,
  );
  const wrong = new LearnedMemory({ keys: init([3, 1, 4]), values: init([3, 1, 4]) });
  const options = { dModel: 8, numHeads: 2, attention: softmax, weight: init };
  expect(() =>
    createMultiHeadAttention({ ...options, memories: [wrong] }).forward(x),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: LearnedMemory: keys has shape [3, 1, 4], expected [2, M, 4] (from keys of the sequence [1, 2, 5, 4])]`,
  );
  const gate = new OutputGate({ projection: createLinear({ dIn: 8, dOut: 3, weight: init }) });
  expect(() => createMultiHeadAttention({ ...options, gate }).forward(x)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: OutputGate: projection has dOut=3, expected H=2 or H x Dv=8 (from the heads)]`,
  );
  const silent: AttentionFn = (q) => q;
  const position = { mixValues: (probs: Tensor) => probs };
  expect(() =>
    createMultiHeadAttention({ ...options, attention: silent, position }).forward(x),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: MultiHeadAttention: attention shows no probs, expected a function that calls observe. The position encoding mixes values by them]`,
  );
  const biased = { bias: () => zeros([5, 5], { dtype: "float64" }) };
  expect(() =>
    createMultiHeadAttention({ ...options, position: biased }).forward(x),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: MultiHeadAttention: positions is missing, expected int32 [T] or [B, T], got undefined. The layer's position encoding needs them]`,
  );
  const rotated = { rotate: (y: Tensor) => y };
  const call = { context: concatenate([x, x], { axis: 1 }), positions: arange(0, 5) };
  expect(() =>
    createMultiHeadAttention({ ...options, position: rotated }).forward(x, call),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: MultiHeadAttention: keyPositions is missing, expected int32 [S] or [B, S], got undefined. The layer's position encoding needs them]`,
  );
  // positions of queries are no positions of a context's keys
  expect(() =>
    createMultiHeadAttention({ ...options, position: biased }).forward(x, call),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: MultiHeadAttention: keyPositions is missing, expected int32 [S] or [B, S], got undefined. The layer's position encoding needs them]`,
  );
});
