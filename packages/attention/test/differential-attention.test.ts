import { normalInit, stateDict, zerosInit } from "@heed/nn";
import { dataSync, fromArray, referenceBackend, rmsNorm, rng, type Tensor, useBackend } from "@heed/tensor";
import { describe, expect, test } from "vitest";
import { createDifferentialAttention, differentialAttention, softmaxAttention } from "../src/index.ts";
import { type AttentionTraits, attentionContract, expectClose, type HeadInput } from "../src/testing.ts";
import { dot, mix, softmax, total, weighRow } from "./naive.ts";

useBackend(referenceBackend());

const init = normalInit({ std: 0.7, rng: rng(61), dtype: "float64" });
const lambda = init([4, 2]);
const gain = init([2]);
const norm = { gain, forward: (x: Tensor) => rmsNorm(x, { gain, epsilon: 1e-5 }) };

/** Equations 1 and 2 of the paper, term by term. */
const oracle =
  (lambdaInit: number, isNormed: boolean) =>
  (head: HeadInput): number[][] => {
    const [lq1, lk1, lq2, lk2] = [0, 2, 4, 6].map((at) => Array.from(dataSync(lambda)).slice(at, at + 2)) as number[][];
    const weight = Math.exp(dot(lq1!, lk1!)) - Math.exp(dot(lq2!, lk2!)) + lambdaInit;
    return head.q.map((query, t) => {
      const probs = [0, 2].map((at) =>
        weighRow(
          softmax,
          head.k.map((key) => dot(query.slice(at, at + 2), key.slice(at, at + 2)) / Math.sqrt(2)),
          head.visible[t]!,
        ),
      );
      const y = mix(
        probs[0]!.map((p, s) => p - weight * probs[1]![s]!),
        head.v,
      );
      if (!isNormed) return y;
      const size = Math.sqrt(total(y.map((value) => value * value)) / y.length + 1e-5);
      return y.map((value, d) => (value / size) * dataSync(gain)[d]! * (1 - lambdaInit));
    });
  };

/** Vectors of 0 and lambdaInit 0: the second attention has no weight. */
function softmaxLimit(): void {
  const [q, k, v] = [init([1, 2, 5, 4]), init([1, 2, 5, 4]), init([1, 2, 5, 3])];
  const half = (x: Tensor) => Float64Array.from(dataSync(x), (value, i) => (i % 4 < 2 ? value : 0));
  const none = createDifferentialAttention({ dHead: 4, lambdaInit: 0, weight: zerosInit({ dtype: "float64" }) });
  const first = softmaxAttention({ scale: 1 / Math.sqrt(2) });
  const zeroed = (x: Tensor) => fromArray(half(x), x.shape, { dtype: "float64" });
  expectClose("lambda 0", dataSync(none(q, k, v)), dataSync(first(zeroed(q), zeroed(k), v)), 1e-12);
}

describe("without a norm", () => {
  const traits: AttentionTraits = { oracle: oracle(0.8, false), limit: softmaxLimit };
  for (const { name, run } of attentionContract(() => differentialAttention({ lambda }), traits)) test(name, run);
});

describe("with a norm", () => {
  const traits: AttentionTraits = { oracle: oracle(0.2, true), limit: softmaxLimit, mixes: false };
  const make = () => differentialAttention({ lambda, norm, lambdaInit: 0.2 });
  for (const { name, run } of attentionContract(make, traits)) test(name, run);
});

test("carries its weights", () => {
  expect([...stateDict(differentialAttention({ lambda, norm })).keys()]).toEqual(["lambda", "norm.gain"]);
});

test("names what does not fit", () => {
  expect(() => differentialAttention({ lambda, lambdaInit: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: differentialAttention: lambdaInit is out of range, expected a number in [0, 1), got 1]`,
  );
  expect(() => differentialAttention({ lambda: init([3, 2]) })).toThrowErrorMatchingInlineSnapshot(`[ShapeError: differentialAttention: lambda has shape [3, 2], expected [4, D / 2]: four vectors]`);
  expect(() => createDifferentialAttention({ dHead: 5, weight: init })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: createDifferentialAttention: dHead is odd or out of range, expected an even number >= 2, got 5]`,
  );
  const x = init([1, 1, 2, 6]);
  expect(() => differentialAttention({ lambda })(x, x, x)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: differentialAttention: q has D=6 in shape [1, 1, 2, 6], expected 4, twice the width of lambda [4, 2]]`,
  );
});
