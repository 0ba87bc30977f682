import { normalInit } from "@heed/nn";
import {
  arange,
  dataSync,
  fromArray,
  multiply,
  referenceBackend,
  rng,
  sum,
  type Tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { describe, expect, test } from "vitest";
import {
  and,
  blockDiagonal,
  causal,
  full,
  localWindowAttention,
  type Mask,
  padding,
  slidingWindow,
  softmaxAttention,
} from "../src/index.ts";
import { type AttentionTraits, attentionContract, expectClose, type HeadInput } from "../src/testing.ts";
import { dot, mix, softmax, weighRow } from "./naive.ts";

useBackend(referenceBackend());

const init = normalInit({ std: 1, rng: rng(41), dtype: "float64" });
const [q, k, v] = [init([2, 4, 11, 4]), init([2, 2, 11, 4]), init([2, 2, 11, 3])];
const places = arange(0, 11);

const oracle =
  (near: (distance: number) => boolean) =>
  (head: HeadInput): number[][] =>
    head.q.map((query, t) => {
      const scores = head.k.map((key) => dot(query, key) / 2);
      const visible = head.visible[t]!.map((seen, s) => seen && near(t - s));
      return mix(weighRow(softmax, scores, visible), head.v);
    });

/** A window as long as the text is no window. */
const wide = (isCausal: boolean) => () =>
  expectClose(
    "wide",
    dataSync(localWindowAttention({ windowSize: 11, causal: isCausal })(q, k, v)),
    dataSync(softmaxAttention()(q, k, v, isCausal ? { mask: causal()(places, places) } : {})),
    1e-12,
  );

for (const windowSize of [2, 3])
  for (const isCausal of [false, true])
    describe(`window ${windowSize}, ${isCausal ? "causal" : "both ways"}`, () => {
      const near = (distance: number) => Math.abs(distance) < windowSize && (!isCausal || distance >= 0);
      const traits: AttentionTraits = { oracle: oracle(near), limit: wide(isCausal) };
      const make = () => localWindowAttention({ windowSize, causal: isCausal });
      for (const { name, run } of attentionContract(make, traits)) test(name, run);
    });

test.each([1, 2, 3, 4, 5, 10, 11, 12])(
  "equals softmax attention under a sliding window of %i, gradients too",
  (windowSize) => {
    const segments = fromArray([0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2], [11], { dtype: "int32" });
    const keep = fromArray([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1], [2, 11], {
      dtype: "bool",
    });
    const masks: Record<string, Mask> = {
      full: full(),
      padding: padding(keep),
      packed: blockDiagonal(segments),
      causal: causal(),
    };
    const weights = init([2, 4, 11, 3]);
    const biases: (Tensor | undefined)[] = [undefined, init([4, 11, 11]), init([2, 1, 1, 11]), init([1, 4, 11, 1])];
    for (const isCausal of [false, true])
      for (const [name, mask] of Object.entries(masks))
        for (const bias of biases) {
          const local = localWindowAttention({ windowSize, causal: isCausal });
          const window = slidingWindow({ windowSize });
          const dense = and(mask, isCausal ? and(causal(), window) : window)(places, places);
          const run = (fn: () => Tensor) =>
            valueAndGradients(() => sum(multiply(fn(), weights)), bias ? [q, k, v, bias] : [q, k, v]);
          const a = run(() => local(q, k, v, { mask: mask(places, places), bias }));
          const b = run(() => softmaxAttention()(q, k, v, { mask: dense, bias }));
          expectClose(`${name} value`, dataSync(a.value), dataSync(b.value), 1e-11);
          a.gradients.forEach((gradient, i) =>
            expectClose(`${name} gradient ${i}`, dataSync(gradient), dataSync(b.gradients[i]!), 1e-11),
          );
        }
  },
);

test("names what does not fit", () => {
  expect(() => localWindowAttention({ windowSize: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: localWindowAttention: windowSize is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => localWindowAttention({ windowSize: 2 })(init([2, 4, 1, 4]), k, v)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: localWindowAttention: positions are missing for T=1 queries of S=11 keys, expected positions and keyPositions (int32), got none. They are needed unless queries and keys are the same tokens]`,
  );
});
