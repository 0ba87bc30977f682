import { normalInit } from "@heed/nn";
import {
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
import { blockSparseAttention, softmaxAttention } from "../src/index.ts";
import { type AttentionTraits, attentionContract, expectClose, type HeadInput } from "../src/testing.ts";
import { dot, mix, softmax, weighRow } from "./naive.ts";

useBackend(referenceBackend());

type Pattern = (i: number, j: number) => boolean;
const init = normalInit({ std: 1, rng: rng(51), dtype: "float64" });
const [q, k, v] = [init([2, 4, 11, 4]), init([2, 2, 11, 4]), init([2, 2, 11, 3])];

const patterns: Record<string, Pattern> = {
  "first block and neighbors": (i, j) => i === 0 || j === 0 || Math.abs(i - j) < 2,
  "own block": (i, j) => i === j,
  "every second": (i, j) => (i + j) % 2 === 0,
};

const oracle =
  (blocks: Pattern) =>
  (head: HeadInput): number[][] =>
    head.q.map((query, t) => {
      const scores = head.k.map((key) => dot(query, key) / 2);
      const visible = head.visible[t]!.map((seen, s) => seen && blocks(Math.floor(t / 2), Math.floor(s / 2)));
      return mix(weighRow(softmax, scores, visible), head.v);
    });

const all = () =>
  expectClose(
    "all blocks",
    dataSync(blockSparseAttention({ blockSize: 3, blocks: () => true })(q, k, v)),
    dataSync(softmaxAttention()(q, k, v)),
    1e-12,
  );

describe.each(Object.entries(patterns))("%s", (_, blocks) => {
  const traits: AttentionTraits = { oracle: oracle(blocks), limit: all, cacheable: false };
  const make = () => blockSparseAttention({ blockSize: 2, blocks });
  for (const { name, run } of attentionContract(make, traits)) test(name, run);
});

test.each([1, 3, 4, 11, 20])(
  "equals softmax attention under the same pattern in blocks of %i, gradients too",
  (blockSize) => {
    const none: Pattern = (i, j) => i !== 1 && j <= i;
    const weights = init([2, 4, 11, 3]);
    for (const blocks of [...Object.values(patterns), none]) {
      const pairs = Array.from({ length: 121 }, (_, at) =>
        Number(blocks(Math.floor(at / 11 / blockSize), Math.floor((at % 11) / blockSize))),
      );
      const mask = fromArray(pairs, [11, 11], { dtype: "bool" });
      const bias = init([4, 11, 11]);
      const run = (fn: () => Tensor) => valueAndGradients(() => sum(multiply(fn(), weights)), [q, k, v, bias]);
      const a = run(() => blockSparseAttention({ blockSize, blocks })(q, k, v, { bias }));
      const b = run(() => softmaxAttention()(q, k, v, { bias, mask }));
      expectClose("value", dataSync(a.value), dataSync(b.value), 1e-11);
      a.gradients.forEach((gradient, i) =>
        expectClose("gradient", dataSync(gradient), dataSync(b.gradients[i]!), 1e-11),
      );
    }
  },
);

test("names what does not fit", () => {
  expect(() => blockSparseAttention({ blockSize: 0.5, blocks: () => true })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: blockSparseAttention: blockSize is out of range, expected a whole number >= 1, got 0.5]`,
  );
  expect(() =>
    blockSparseAttention({ blockSize: 2, blocks: () => true })(init([2, 4, 1, 4]), k, v),
  ).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: blockSparseAttention: q has T=1 for S=11 keys, expected the same tokens: it cannot decode with a cache. Decode with softmaxAttention and the same pattern as a mask]`,
  );
});
