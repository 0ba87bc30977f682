import { createLinear, Linear, normalInit, stateDict } from "@heed/nn";
import {
  arange,
  concatenate,
  dataSync,
  fromArray,
  multiply,
  referenceBackend,
  rmsNorm,
  rng,
  sin,
  sum,
  type Tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { expect, test } from "vitest";
import {
  ClippedProjection,
  causal,
  createSeparateProjection,
  FusedProjection,
  KeyValueCache,
  LatentProjection,
  LowRankLinear,
  MultiHeadAttention,
  NormalizedProjection,
  type Projection,
  SeparateProjection,
  softmaxAttention,
} from "../src/index.ts";
import { expectClose } from "../src/testing.ts";
import { dot, mix, softmax, weighRow } from "./naive.ts";

useBackend(referenceBackend());

const init = normalInit({ std: 0.5, rng: rng(71), dtype: "float64" });
const linear = (dIn: number, dOut: number) => createLinear({ dIn, dOut, weight: init, bias: init });
const rows = (x: Tensor): number[][] => {
  const width = x.shape.at(-1)!;
  const values = Array.from(dataSync(x));
  return Array.from({ length: values.length / width }, (_, r) => values.slice(r * width, (r + 1) * width));
};
const apply = ({ weight, bias }: Linear, x: readonly number[]): number[] =>
  rows(weight).map((row, o) => dot(row, x) + (bias ? dataSync(bias)[o]! : 0));
const layerOf = (projection: Projection, dModel: number, position?: object): MultiHeadAttention =>
  new MultiHeadAttention({
    projection,
    output: linear(projection.numHeads * projection.dValue, dModel),
    attention: softmaxAttention(),
    ...(position && { position }),
  });

/** What the layer gives for one batch row, from what its heads read, in plain loops. */
function attendNaive(
  layer: MultiHeadAttention,
  q: (t: number, head: number) => number[],
  k: (s: number, head: number) => number[],
  v: (s: number, head: number) => number[],
  { T, S, sees = () => true }: { T: number; S: number; sees?: (t: number, s: number) => boolean },
): number[] {
  const keys = Array.from({ length: S }, (_, s) => s);
  return Array.from({ length: T }, (_, t) => {
    const joined = Array.from({ length: layer.numHeads }, (_, h) => {
      const query = q(t, h);
      const scores = keys.map((s) => dot(query, k(s, h)) / Math.sqrt(query.length));
      const probs = weighRow(
        softmax,
        scores,
        keys.map((s) => sees(t, s)),
      );
      return mix(
        probs,
        keys.map((s) => v(s, h)),
      );
    });
    return apply(layer.output, joined.flat());
  }).flat();
}
const part = (x: readonly number[], at: number, width: number) => x.slice(at * width, (at + 1) * width);

test.each([1, 2, 4])("separate projections of three sources of their own widths, %i key/value heads", (numKvHeads) => {
  const projection = createSeparateProjection({
    dModel: 8,
    dKeyContext: 6,
    dValueContext: 5,
    numHeads: 4,
    numKvHeads,
    dHead: 3,
    dValue: 2,
    weight: init,
    bias: init,
  });
  const layer = layerOf(projection, 8);
  const [x, keys, values] = [init([1, 3, 8]), init([1, 4, 6]), init([1, 4, 5])];
  const group = (h: number) => Math.floor((h * numKvHeads) / 4);
  const expected = attendNaive(
    layer,
    (t, h) => part(apply(projection.query, rows(x)[t]!), h, 3),
    (s, h) => part(apply(projection.key, rows(keys)[s]!), group(h), 3),
    (s, h) => part(apply(projection.value, rows(values)[s]!), group(h), 2),
    { T: 3, S: 4 },
  );
  expectClose("layer", dataSync(layer.forward(x, { context: keys, valueContext: values })), expected, 1e-12);
});

test.each([
  [4, 4],
  [4, 2],
  [4, 1],
])("a fused projection is a separate one with its rows: %i heads, %i key/value heads", (numHeads, numKvHeads) => {
  const D = 3;
  const separate = createSeparateProjection({ dModel: 8, numHeads, numKvHeads, dHead: D, weight: init, bias: init });
  const { query, key, value } = separate;
  const joined = (pick: (layer: Linear) => Tensor) => concatenate([pick(query), pick(key), pick(value)], { axis: 0 });
  const qkv = new Linear(
    joined((layer) => layer.weight),
    joined((layer) => layer.bias!),
  );
  const fused = new FusedProjection({ qkv, numHeads, numKvHeads });
  const output = linear(numHeads * D, 8);
  const parts = { output, attention: softmaxAttention() };
  const [a, b] = [separate, fused].map((projection) => new MultiHeadAttention({ ...parts, projection }));
  const [x, context] = [init([2, 3, 8]), init([2, 5, 8])];
  expectClose("self", dataSync(b!.forward(x)), dataSync(a!.forward(x)), 1e-12);
  expectClose("cross", dataSync(b!.forward(x, { context })), dataSync(a!.forward(x, { context })), 1e-12);
});

/** A stand-in for rotary positions: shifts each value by its position. */
const shift = {
  rotate: (x: Tensor, positions: Tensor) =>
    multiply(
      x,
      sin(
        fromArray(
          Float64Array.from(dataSync(positions), (p) => p + 1),
          [positions.size, 1],
          { dtype: "float64" },
        ),
      ),
    ),
};

const latentOf = (dRotary: number, isLowRank: boolean) => {
  const gain = init([3]);
  const norm = { gain, forward: (x: Tensor) => rmsNorm(x, { gain, epsilon: 1e-6 }) };
  const query = isLowRank
    ? new LowRankLinear({
        down: linear(8, 5),
        norm: { forward: (x) => rmsNorm(x, { epsilon: 1e-6 }) },
        up: linear(5, 2 * (4 + dRotary)),
      })
    : linear(8, 2 * (4 + dRotary));
  return new LatentProjection({
    query,
    down: linear(8, 3 + dRotary),
    norm,
    up: linear(3, 2 * (4 + 5)),
    numHeads: 2,
    dRotary,
  });
};
const rms = (x: readonly number[], gain?: readonly number[]) =>
  x.map((value, i) => (value / Math.sqrt(dot(x, x) / x.length + 1e-6)) * (gain?.[i] ?? 1));

test.each([
  [0, false],
  [2, false],
  [2, true],
])("latent attention in plain loops: rotary width %i, low-rank queries %s", (dRotary, isLowRank) => {
  const projection = latentOf(dRotary, isLowRank);
  const layer = layerOf(projection, 8, shift);
  const x = init([1, 4, 8]);
  const gain = Array.from(dataSync(stateDict(projection).get("norm.gain")!));
  const turned = (value: readonly number[], t: number) => value.map((y) => y * Math.sin(t + 1));
  const queryOf = (row: readonly number[]) =>
    "down" in projection.query
      ? apply(projection.query.up, rms(apply(projection.query.down, row)))
      : apply(projection.query as Linear, row);
  const latent = (s: number) => apply(projection.up, rms(apply(projection.down, rows(x)[s]!).slice(0, 3), gain));
  const expected = attendNaive(
    layer,
    (t, h) => {
      const head = part(queryOf(rows(x)[t]!), h, 4 + dRotary);
      return [...head.slice(0, 4), ...turned(head.slice(4), t)];
    },
    (s, h) => [...part(latent(s), h, 9).slice(0, 4), ...turned(apply(projection.down, rows(x)[s]!).slice(3), s)],
    (s, h) => part(latent(s), h, 9).slice(4),
    { T: 4, S: 4, sees: (t, s) => s <= t },
  );
  const positions = arange(0, 4);
  const mask = causal()(positions, positions);
  expectClose("layer", dataSync(layer.forward(x, { mask, positions })), expected, 1e-12);

  const cache = new KeyValueCache({ numLayers: 1, maxSeqLen: 8 });
  const steps = [0, 1, 2, 3].flatMap((t) => {
    const at = arange(t, t + 1);
    const keyPositions = cache.extend(at);
    const token = fromArray(Float64Array.from(rows(x)[t]!), [1, 1, 8], { dtype: "float64" });
    const step = { positions: at, keyPositions, mask: causal()(at, keyPositions), cache: cache.layers[0]! };
    return Array.from(dataSync(layer.forward(token, step)));
  });
  expectClose("step by step", steps, expected, 1e-12);
  cache.dispose();
});

test("latent attention stores the latent and one rotary key, not the heads", () => {
  const projection = latentOf(2, false);
  const x = init([2, 4, 8]);
  const same = { query: (y: Tensor) => y, key: (y: Tensor) => y };
  const { q, keys, values } = projection.project({ x, keys: x, values: x }, same);
  expect([q.shape, keys.shape, values.shape]).toEqual([
    [2, 2, 4, 6],
    [2, 1, 4, 3],
    [2, 1, 4, 2],
  ]);
  const heads = projection.expand({ keys, values });
  expect([heads.keys.shape, heads.values.shape]).toEqual([
    [2, 2, 4, 6],
    [2, 2, 4, 5],
  ]);
});

test("every weight of a latent projection is found and learns", () => {
  const layer = layerOf(latentOf(2, true), 8, shift);
  const weights = stateDict(layer);
  expect([...weights.keys()].filter((name) => name.startsWith("projection")).map((name) => name.slice(11))).toEqual([
    "query.down.weight",
    "query.down.bias",
    "query.up.weight",
    "query.up.bias",
    "down.weight",
    "down.bias",
    "norm.gain",
    "up.weight",
    "up.bias",
  ]);
  const x = init([1, 4, 8]);
  const { gradients } = valueAndGradients(() => {
    const y = layer.forward(x, { positions: arange(0, 4) });
    return sum(multiply(y, y));
  }, [...weights.values()]);
  for (const gradient of gradients) expect(dataSync(gradient).some((value) => value !== 0)).toBe(true);
});

test("a clipped projection holds queries, keys and values in a range before it rotates", () => {
  const projection = createSeparateProjection({ dModel: 8, numHeads: 2, dHead: 3, weight: init });
  const clipped = new ClippedProjection({ projection, limit: 0.4 });
  const layer = layerOf(clipped, 8, shift);
  const x = init([1, 3, 8]);
  const clip = (value: readonly number[]) => value.map((y) => Math.min(Math.max(y, -0.4), 0.4));
  const turned = (value: readonly number[], t: number) => value.map((y) => y * Math.sin(t + 1));
  const headOf = (weight: Linear, t: number, h: number) => clip(part(apply(weight, rows(x)[t]!), h, 3));
  const expected = attendNaive(
    layer,
    (t, h) => turned(headOf(projection.query, t, h), t),
    (s, h) => turned(headOf(projection.key, s, h), s),
    (s, h) => headOf(projection.value, s, h),
    { T: 3, S: 3 },
  );
  expectClose("layer", dataSync(layer.forward(x, { positions: arange(0, 3) })), expected, 1e-12);
  const free = layerOf(new ClippedProjection({ projection, limit: 1e9 }), 8, shift);
  expect(dataSync(free.forward(x, { positions: arange(0, 3) }))).not.toEqual(expected);
  expect(() => new ClippedProjection({ projection, limit: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: ClippedProjection: limit is out of range, expected a finite number > 0, got 0]`,
  );
});

test("a normalized projection norms before it rotates", () => {
  const projection = createSeparateProjection({ dModel: 8, numHeads: 2, dHead: 3, weight: init });
  const [query, key] = [init([3]), init([3])].map((gain) => ({
    gain,
    forward: (x: Tensor) => rmsNorm(x, { gain, epsilon: 1e-6 }),
  }));
  const layer = layerOf(new NormalizedProjection({ projection, query: query!, key: key! }), 8, shift);
  const x = init([1, 3, 8]);
  const turned = (value: readonly number[], t: number) => value.map((y) => y * Math.sin(t + 1));
  const expected = attendNaive(
    layer,
    (t, h) => turned(rms(part(apply(projection.query, rows(x)[t]!), h, 3), Array.from(dataSync(query!.gain))), t),
    (s, h) => turned(rms(part(apply(projection.key, rows(x)[s]!), h, 3), Array.from(dataSync(key!.gain))), s),
    (s, h) => part(apply(projection.value, rows(x)[s]!), h, 3),
    { T: 3, S: 3 },
  );
  expectClose("layer", dataSync(layer.forward(x, { positions: arange(0, 3) })), expected, 1e-12);
  expect([...stateDict(layer.projection).keys()]).toEqual([
    "projection.query.weight",
    "projection.key.weight",
    "projection.value.weight",
    "query.gain",
    "key.gain",
  ]);
});

test("names what does not fit", () => {
  const qkv = linear(8, 24);
  expect(() => new FusedProjection({ qkv, numHeads: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: FusedProjection: numHeads is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => new FusedProjection({ qkv, numHeads: 5 })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: FusedProjection: qkv has dOut=24, expected a multiple of 15 heads (numHeads=5 + 2 x numKvHeads=5)]`,
  );
  const layer = layerOf(new FusedProjection({ qkv, numHeads: 2 }), 8);
  expect(() => layer.forward(init([1, 2, 8]), { context: init([1, 2, 6]) })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: FusedProjection: context has width 6 in shape [1, 2, 6], expected 8 (from qkv [24, 8]). Use a SeparateProjection for other widths]`,
  );
  expect(() => layer.forward(init([1, 2, 8]), { context: init([2, 2, 8]) })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: FusedProjection: context has B=2 in shape [2, 2, 8], expected B=1 (from x [1, 2, 8])]`,
  );
  expect(
    () => new SeparateProjection({ query: linear(8, 7), key: linear(8, 8), value: linear(8, 8), numHeads: 2 }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: SeparateProjection: query has dOut=7, expected a multiple of 2 heads]`,
  );
  expect(
    () => new SeparateProjection({ query: linear(8, 6), key: linear(8, 8), value: linear(8, 8), numHeads: 2 }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: SeparateProjection: key has dHead=4, expected 3 (from query with dOut=6 and 2 heads)]`,
  );
  expect(() => createSeparateProjection({ dModel: 8, numHeads: 3, weight: init })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: createSeparateProjection: numHeads does not divide the width, expected a divisor of dModel=8, got 3. Give dHead to choose another head width]`,
  );
  const up = linear(3, 18);
  expect(
    () => new LatentProjection({ query: linear(8, 12), down: linear(8, 4), up, numHeads: 2, dRotary: 2 }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: LatentProjection: down has dOut=4, expected 5 (from up with dIn=3 + dRotary=2)]`,
  );
  expect(
    () => new LatentProjection({ query: linear(8, 22), down: linear(8, 5), up, numHeads: 2, dRotary: 2 }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: LatentProjection: query has dOut=22 and up dOut=18, expected 2 heads of dContent + dRotary=2 and of dContent + dValue, both at least 1, got dContent=9 and dValue=0]`,
  );
  expect(
    () => new LatentProjection({ query: linear(8, 12), down: linear(8, 5), up, numHeads: 2, dRotary: -2 }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: LatentProjection: dRotary is out of range, expected a whole number >= 0, got -2]`,
  );
  expect(() => new LowRankLinear({ down: linear(8, 4), up: linear(3, 8) })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: LowRankLinear: up has dIn=3, expected 4 (from down)]`,
  );
  const latent = layerOf(latentOf(0, false), 8);
  const x = init([1, 2, 8]);
  expect(() => latent.forward(x, { valueContext: init([1, 2, 8]) })).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: LatentProjection: valueContext is another tensor than context, expected one source of keys and values, got two. Use a SeparateProjection]`,
  );
  expect(
    () => new MultiHeadAttention({ projection: layer.projection, output: linear(6, 8), attention: softmaxAttention() }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: MultiHeadAttention: output has dIn=6 in weight [8, 6], expected 8 (from 2 heads of dValue=4)]`,
  );
});
