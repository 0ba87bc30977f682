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

/** Wrong in what few functions are: each with its case and, where it claims something of itself, that claim. */
const brokenClaims: [string, string, AttentionFn, Partial<AttentionTraits>?][] = [
  [
    "drops the bias",
    "a bias is added to the scores",
    (q, k, v, { bias: _, ...options } = {}) => right(q, k, v, options),
  ],
  [
    "adds the bias twice where it observes",
    "a bias is added to the scores",
    (q, k, v, { bias, ...options } = {}) =>
      right(q, k, v, { ...options, bias: bias && options.observe ? add(bias, bias) : bias }),
  ],
  ["claims to refuse a bias, and takes it", "a bias is added to the scores", right, { bias: "refused" }],
  ["claims to ignore a bias, and adds it", "a bias is added to the scores", right, { bias: "ignored" }],
  [
    "never calls observe",
    "shows scores and probs on request",
    (q, k, v, { observe: _, ...options } = {}) => right(q, k, v, options),
  ],
  [
    "shows probs of hidden keys",
    "shows scores and probs on request",
    (q, k, v, { observe, ...options } = {}) =>
      right(q, k, v, {
        ...options,
        observe: observe && (({ scores }) => observe({ scores, probs: softmax(scores) })),
      }),
  ],
  [
    "shows scores for probs",
    "shows scores and probs on request",
    (q, k, v, { observe, mask, ...options } = {}) =>
      right(q, k, v, {
        ...options,
        mask,
        observe: observe && (({ scores }) => observe({ scores, probs: mask ? select(mask, scores, 0) : scores })),
      }),
  ],
  [
    "computes something else where it observes",
    "shows scores and probs on request",
    (q, k, v, options = {}) => right(q, options.observe ? add(k, k) : k, v, options),
  ],
  ["decodes though it says that it cannot", "says that it cannot decode step by step", right, { cacheable: false }],
];

test.each(brokenClaims)("an attention that %s is caught by '%s'", (_, name, attention, claims = {}) => {
  const found = attentionContract(() => attention, { ...traits, ...claims }).find((c) => c.name === name);
  expect(found).toBeDefined();
  expect(() => found!.run()).toThrow(/value \d+ is/);
});

test("every case but the limit is shown to catch something", () => {
  const shown = new Set([...Object.keys(broken), ...brokenClaims.map(([, name]) => name)]);
  const names = [{}, { cacheable: false }].flatMap((claims) =>
    attentionContract(() => right, { ...traits, ...claims }).map(({ name }) => name),
  );
  expect([...new Set(names)].filter((name) => !shown.has(name))).toEqual(["becomes a known function in its limit"]);
});

test("the case about the limit runs what it is given", () => {
  const failing = { ...traits, limit: () => expect(dataSync(sum(tensor([1, 1])))[0]).toBe(3) };
  expect(() =>
    attentionContract(() => right, failing)
      .at(-1)!
      .run(),
  ).toThrow();
});
