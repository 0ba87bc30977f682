import { createLinear, Linear, normalInit } from "@heed/nn";
import {
  arange,
  concatenate,
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
  CrossAttentionCache,
  createSeparateProjection,
  LearnedMemory,
  MultiHeadAttention,
  padding,
  SeparateProjection,
  softmaxAttention,
} from "../src/index.ts";
import { expectClose } from "../src/testing.ts";

useBackend(referenceBackend());

const init = normalInit({ std: 0.5, rng: rng(111), dtype: "float64" });
const projection = createSeparateProjection({ dModel: 8, dKeyContext: 6, numHeads: 4, numKvHeads: 2, weight: init });
let projected = 0;
class Counting extends Linear {
  override forward(y: Tensor): Tensor {
    projected++;
    return super.forward(y);
  }
}
const counting = new Counting(projection.key.weight);
const layer = new MultiHeadAttention({
  projection: new SeparateProjection({ ...projection, key: counting }),
  output: createLinear({ dIn: 8, dOut: 8, weight: init }),
  attention: softmaxAttention(),
  memories: [new LearnedMemory({ keys: init([2, 1, 2]), values: init([2, 1, 2]) })],
});
const [x, context] = [init([2, 5, 8]), init([2, 7, 6])];
const keep = tensor(
  [
    [1, 1, 1, 1, 1, 1, 1],
    [1, 1, 1, 1, 0, 0, 0],
  ],
  { dtype: "bool" },
);
const maskOf = (T: number) => padding(keep)(arange(0, T), arange(0, 7));
const whole = dataSync(layer.forward(x, { context, mask: maskOf(5) }));

test("decoding step by step equals one pass, and projects the context once", () => {
  const cache = new CrossAttentionCache({ numLayers: 1 });
  projected = 0;
  const rows: number[][] = [[], []];
  for (let t = 0; t < 5; t++) {
    const y = scope(() =>
      dataSync(layer.forward(slice(x, [0, t, 0], [2, 1, 8]), { context, mask: maskOf(1), cache: cache.layers[0]! })),
    );
    rows[0]!.push(...y.slice(0, 8));
    rows[1]!.push(...y.slice(8));
  }
  expect(projected).toBe(1);
  expectClose("steps", rows.flat(), whole, 1e-12);
  // both rows go on from the second one's context
  cache.reorder([1, 1]);
  const second = slice(x, [1, 0, 0], [1, 5, 8]);
  const mask = slice(maskOf(1), [1, 0, 0, 0], [1, 1, 1, 7]);
  const both = dataSync(
    layer.forward(concatenate([second, second], { axis: 0 }), { context, mask, cache: cache.layers[0]! }),
  );
  expectClose("first row", both.slice(0, 40), whole.slice(40), 1e-12);
  expectClose("second row", both.slice(40), whole.slice(40), 1e-12);
  const held = countBuffers(referenceBackend()).buffers;
  cache.reset();
  expect(countBuffers(referenceBackend()).buffers).toBe(held - 2);
  projected = 0;
  layer.forward(x, { context, cache: cache.layers[0]! });
  expect(projected).toBe(1);
  cache.dispose();
});

test("names what does not fit", () => {
  expect(() => new CrossAttentionCache({ numLayers: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: CrossAttentionCache: numLayers is out of range, expected a whole number >= 1, got 0]`,
  );
  const cache = new CrossAttentionCache({ numLayers: 1 });
  expect(() =>
    valueAndGradients(() => sum(layer.forward(x, { context, cache: cache.layers[0]! })), [context]),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: CrossAttentionCache: keys of layer 0 are being differentiated, expected inference. Train without a cache]`,
  );
});
