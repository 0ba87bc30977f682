import { createLinear, Linear, normalInit, siluActivation, stateDict } from "@heed/nn";
import { arange, dataSync, fromArray, referenceBackend, rng, type Tensor, useBackend } from "@heed/tensor";
import { expect, test } from "vitest";
import {
  attention,
  ClippedProjection,
  createAdditiveScore,
  createMultiHeadAttention,
  createSeparateProjection,
  FusedProjection,
  GateSequence,
  HeadScale,
  LatentProjection,
  LearnedMemory,
  MultiHeadAttention,
  NormalizedProjection,
  OutputGate,
  type Projection,
  pruneHeads,
  scaledDotScore,
  softmaxAttention,
  softmaxWithSink,
} from "../src/index.ts";
import { expectClose } from "../src/testing.ts";

useBackend(referenceBackend());

const init = normalInit({ std: 0.5, rng: rng(91), dtype: "float64" });
const linear = (dIn: number, dOut: number) => createLinear({ dIn, dOut, weight: init, bias: init });
const x = init([2, 5, 8]);
const biases = init([1, 4, 5, 5]);
const position = { bias: () => biases, rotate: (y: Tensor) => y, weight: biases };

const projections: Record<string, Projection> = {
  fused: new FusedProjection({ qkv: linear(8, 36), numHeads: 4 }),
  grouped: new FusedProjection({ qkv: linear(8, 24), numHeads: 4, numKvHeads: 2 }),
  "multi-query": new FusedProjection({ qkv: linear(8, 18), numHeads: 4, numKvHeads: 1 }),
  separate: createSeparateProjection({ dModel: 8, numHeads: 4, dHead: 3, dValue: 2, weight: init, bias: init }),
  latent: new LatentProjection({
    query: linear(8, 12),
    down: linear(8, 5),
    up: linear(4, 20),
    numHeads: 4,
    dRotary: 1,
  }),
};
projections.clipped = new ClippedProjection({ projection: projections.fused!, limit: 0.5 });
projections.normalized = new NormalizedProjection({
  projection: projections.fused!,
  query: { forward: (y) => y },
  key: { forward: (y) => y },
});

test.each(Object.entries(projections))(
  "%s: equals the layer whose pruned heads give 0, in smaller weights",
  (_, projection) => {
    const { numHeads, numKvHeads, dValue } = projection;
    const widths = projection.project({ x, keys: x, values: x }, { query: (y) => y, key: (y) => y });
    const { keys } = projection.expand?.(widths) ?? widths;
    const memory = new LearnedMemory({
      keys: init([numKvHeads, 2, keys.shape[3]!]),
      values: init([numKvHeads, 2, dValue]),
    });
    const gate = new GateSequence([
      new OutputGate({ projection: linear(8, numHeads), activation: siluActivation }),
      new HeadScale({ scale: init([numHeads]) }),
    ]);
    const output = linear(numHeads * dValue, 8);
    const parts = { projection, attention: softmaxAttention(), position, memories: [memory], gate };
    const layer = new MultiHeadAttention({ ...parts, output });
    const pruned = pruneHeads(layer, [0, 1]);
    const silenced = Float64Array.from(dataSync(output.weight), (value, i) =>
      i % (4 * dValue) < 2 * dValue ? 0 : value,
    );
    const silent = new MultiHeadAttention({
      ...parts,
      output: new Linear(fromArray(silenced, output.weight.shape, { dtype: "float64" }), output.bias),
    });
    const call = { positions: arange(0, 5) };
    expectClose("pruned", dataSync(pruned.forward(x, call)), dataSync(silent.forward(x, call)), 1e-12);
    expect(pruned.numHeads).toBe(2);
    expect(pruned.output.dIn).toBe(2 * dValue);
    const count = (of: MultiHeadAttention) =>
      [...stateDict(of.projection).values()].reduce((total, { size }) => total + size, 0);
    expect(count(pruned)).toBeLessThan(count(layer));
  },
);

test("any heads of plain multi-head attention, in the order they had", () => {
  const layer = createMultiHeadAttention({ dModel: 8, numHeads: 4, attention: softmaxAttention(), weight: init });
  const pruned = pruneHeads(layer, [2]);
  expect(pruned.numHeads).toBe(3);
  expectClose(
    "head by head",
    dataSync(pruneHeads(pruned, [0]).forward(x)),
    dataSync(pruneHeads(layer, [0, 2]).forward(x)),
    0,
  );
});

test("names what does not fit", () => {
  const options = { dModel: 8, numHeads: 4, weight: init };
  const layer = createMultiHeadAttention({ ...options, attention: softmaxAttention() });
  expect(() => pruneHeads(layer, [4])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: pruneHeads: heads has 4, expected whole numbers in 0..3]`,
  );
  expect(() => pruneHeads(layer, [0, 1, 2, 3])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: pruneHeads: heads names all 4, expected at least one to stay. Leave the layer out]`,
  );
  const grouped = createMultiHeadAttention({ ...options, numKvHeads: 2, attention: softmaxAttention() });
  expect(() => pruneHeads(grouped, [0])).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: pruneHeads: heads leave [1, 2] query heads to key/value heads [0, 1], expected the same number for each]`,
  );
  const sink = attention({ score: scaledDotScore(), weigh: softmaxWithSink({ sink: init([4]) }) });
  expect(() =>
    pruneHeads(createMultiHeadAttention({ ...options, attention: sink }), [0]),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: pruneHeads: attention has weights for each head (weigh.sink [4]), expected none. Build a smaller attention function and layer]`,
  );
  const shared = attention({ score: createAdditiveScore({ dQuery: 2, dScore: 3, weight: init }) });
  expect(pruneHeads(createMultiHeadAttention({ ...options, attention: shared }), [0]).numHeads).toBe(3);
  const content = { contentBias: () => biases };
  expect(() =>
    pruneHeads(createMultiHeadAttention({ ...options, attention: softmaxAttention(), position: content }), [0]),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: pruneHeads: position has weights that meet queries, expected an encoding that only rotates or biases. Build a smaller layer]`,
  );
});
