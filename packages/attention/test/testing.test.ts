import {
  add,
  arange,
  concatenate,
  dataSync,
  fromArray,
  logicalNot,
  matmul,
  referenceBackend,
  select,
  slice,
  softmax,
  sum,
  type Tensor,
  tensor,
  useBackend,
} from "@heed/tensor";
import { expect, test } from "vitest";
import { type AttentionFn, causal, softmaxAttention } from "../src/index.ts";
import { type AttentionTraits, attentionContract, type HeadInput } from "../src/testing.ts";

useBackend(referenceBackend());

const right = softmaxAttention({ scale: 1 });
const oracle = ({ q, k, v, visible }: HeadInput): number[][] =>
  q.map((query, t) => {
    const weights = k.map((key, s) =>
      visible[t]![s] ? Math.exp(query.reduce((dot, x, d) => dot + x * key[d]!, 0)) : 0,
    );
    const total = weights.reduce((a, b) => a + b);
    return v[0]!.map((_, d) => v.reduce((mix, value, s) => mix + (weights[s]! / total) * value[d]!, 0));
  });
const traits: AttentionTraits = { oracle, limit: () => {} };

/** The same values, of which no gradient knows. */
const frozen = (x: Tensor): Tensor => fromArray(dataSync(x), x.shape);

/** Wrong attentions, each with the case that must catch it. */
const broken: Record<string, AttentionFn> = {
  "equals the oracle at a small size": softmaxAttention({ scale: 2 }),
  "gradient equals finite differences": (q, k, v, options) => right(q, frozen(k), v, options),
  "hidden keys have no influence": (q, k, v, options) =>
    right(q, k, v, { ...options, ...(options?.mask && { mask: logicalNot(options.mask) }) }),
  "a query that sees no key gives 0": (q, k, v, { mask } = {}) => {
    const heads = (x: Tensor): Tensor => concatenate([x, x], { axis: 1 });
    const scores = matmul(q, heads(k), { transposeB: true });
    return matmul(softmax(mask ? select(mask, scores, -1e30) : scores), heads(v));
  },
  "the future has no influence under a causal mask": (q, k, v) => right(q, k, v),
  "batch rows are independent": (q, k, v, options) =>
    right(q, add(k, slice(k, [0, 0, 0, 0], [1, ...k.shape.slice(1)])), v, options),
  // causal by place, not by position: aligned to the upper left
  "stepwise decoding equals one pass": (q, k, v) =>
    right(q, k, v, { mask: causal()(arange(0, q.shape[2]!), arange(0, k.shape[2]!)) }),
};

test.each(Object.entries(broken))("the case '%s' catches a wrong attention", (name, attention) => {
  const found = attentionContract(() => attention, traits).find((c) => c.name === name);
  expect(found).toBeDefined();
  expect(() => found!.run()).toThrow(/value \d+ is|is not finite/);
});

test("the case about the limit runs what it is given", () => {
  const failing = { ...traits, limit: () => expect(dataSync(sum(tensor([1, 1])))[0]).toBe(3) };
  expect(() =>
    attentionContract(() => right, failing)
      .at(-1)!
      .run(),
  ).toThrow();
});
