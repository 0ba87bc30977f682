import type { Tensor } from "@heed/tensor";
import {
  adamwStep,
  add,
  arange,
  assign,
  assignSlice,
  cast,
  countBuffers,
  createReferenceBackend,
  crossEntropy,
  dataSync,
  detach,
  dropout,
  einsum,
  erf,
  expandDims,
  fromArray,
  full,
  globalNorm,
  greaterEqual,
  item,
  layerNorm,
  linear,
  logicalNot,
  logSumExp,
  matmul,
  max,
  maximum,
  mean,
  multiply,
  normal,
  oneHot,
  ones,
  permute,
  power,
  relu,
  reshape,
  rng,
  scaledDotProductAttention,
  scope,
  sigmoid,
  softmax,
  softplus,
  split,
  squeeze,
  stack,
  sum,
  tensor,
  topK,
  transpose,
  unfold,
  uniform,
  useBackend,
  valueAndGradients,
  variance,
  zeros,
} from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";

beforeEach(() => {
  useBackend(createReferenceBackend());
});

const double = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  fromArray(Float64Array.from(values), shape);
const list = (x: Tensor): number[] => [...dataSync(x)];
const nested = (x: Tensor): { shape: readonly number[]; values: number[] } => ({ shape: x.shape, values: list(x) });

describe("erf", () => {
  // Values to 15 digits: Abramowitz and Stegun 1964, tables 7.1 and 7.2.
  const known: readonly (readonly [number, number])[] = [
    [0.1, 0.112462916018285],
    [0.5, 0.520499877813047],
    [1, 0.842700792949715],
    [1.5, 0.966105146475311],
    [2, 0.995322265018953],
    [2.5, 0.999593047982555],
    [3, 0.999977909503001],
    [4, 0.999999984582742],
    [6, 1],
  ];
  test("of known values", () => {
    for (const [x, y] of known) {
      expect(item(erf(double([x])))).toBeCloseTo(y, 14);
      expect(item(erf(double([-x])))).toBeCloseTo(-y, 14);
    }
  });
  test("is odd, steady where the formulas meet, and exact at the ends", () => {
    const around = list(erf(double([2 - 1e-9, 2, 2 + 1e-9])));
    const slope = (2 / Math.sqrt(Math.PI)) * Math.exp(-4);
    expect(around[2]! - around[0]!).toBeCloseTo(2e-9 * slope, 15);
    expect(list(erf(double([0, Infinity, -Infinity, NaN, 1e-300])))).toEqual([
      0,
      1,
      -1,
      NaN,
      1e-300 * (2 / Math.sqrt(Math.PI)),
    ]);
  });
});

describe("ties", () => {
  const gradient = (f: (x: Tensor) => Tensor, values: number[]): number[] => {
    const x = double(values);
    return list(valueAndGradients(() => sum(f(x)), [x]).gradients[0]);
  };
  test("of a maximum share the gradient", () =>
    expect(gradient((x) => maximum(x, 0), [-1, 0, 2])).toEqual([0, 0.5, 1]));
  test("of a reduction share the gradient", () =>
    expect(gradient((x) => max(x), [3, 1, 3, 3])).toEqual([1 / 3, 0, 1 / 3, 1 / 3]));
  test("relu has none at 0", () => expect(gradient(relu, [-1, 0, 2])).toEqual([0, 0, 1]));
  test("sigmoid and softplus are smooth at 0", () => {
    expect(gradient(sigmoid, [0])).toEqual([0.25]);
    expect(gradient(softplus, [0])).toEqual([0.5]);
  });
  test("and stay finite far out", () => {
    expect(gradient(sigmoid, [1e4, -1e4])).toEqual([0, 0]);
    expect(gradient(softplus, [1e4, -1e4])).toEqual([1, 0]);
    expect(gradient((x) => power(x, 0), [0, 2])).toEqual([0, 0]);
  });
});

describe("shapes", () => {
  const x = () => arange(0, 6);
  test("transpose", () =>
    expect(nested(transpose(reshape(x(), [2, 3])))).toEqual({ shape: [3, 2], values: [0, 3, 1, 4, 2, 5] }));
  test("squeeze and expandDims share memory", () => {
    const y = expandDims(expandDims(x(), 0), -1);
    expect(y.shape).toEqual([1, 6, 1]);
    expect([squeeze(y).shape, squeeze(y, -1).shape, squeeze(y, [0, 2]).shape]).toEqual([[6], [1, 6], [6]]);
    expect(countBuffers().buffers).toBe(1);
  });
  test("stack along each axis", () => {
    expect(nested(stack([tensor([1, 2]), tensor([3, 4])]))).toEqual({ shape: [2, 2], values: [1, 2, 3, 4] });
    expect(nested(stack([tensor([1, 2]), tensor([3, 4])], { axis: -1 }))).toEqual({
      shape: [2, 2],
      values: [1, 3, 2, 4],
    });
  });
  test("contiguous parts share memory, others are copies", () => {
    const y = reshape(arange(0, 12), [3, 4]);
    split(y, [1, 2]);
    expect(countBuffers().buffers).toBe(1);
    split(y, [1, 3], { axis: 1 });
    expect(countBuffers().buffers).toBe(3);
  });
  test("a permutation that only moves axes of size 1 shares memory", () => {
    const y = zeros([1, 2, 1, 3]);
    expect(permute(y, [0, 2, 1, 3]).shape).toEqual([1, 1, 2, 3]);
    expect(permute(y, [1, 3, 0, 2]).shape).toEqual([2, 3, 1, 1]);
    expect(countBuffers().buffers).toBe(1);
    permute(y, [0, 3, 2, 1]);
    expect(countBuffers().buffers).toBe(2);
  });
  test("unfold", () => {
    expect(nested(unfold(x(), { size: 3, step: 2 }))).toEqual({ shape: [2, 3], values: [0, 1, 2, 2, 3, 4] });
    expect(nested(unfold(x(), { size: 2, dilation: 3 }))).toEqual({ shape: [3, 2], values: [0, 3, 1, 4, 2, 5] });
    expect(unfold(zeros([2, 9, 4]), { axis: 1, size: 3 }).shape).toEqual([2, 7, 3, 4]);
  });
  test("a convolution is a linear map of windows", () => {
    const signal = normal([2, 8, 3], { rng: rng(1), dtype: "float64" });
    const kernel = normal([4, 5 * 3], { rng: rng(2), dtype: "float64" });
    const y = linear(reshape(unfold(signal, { axis: 1, size: 5 }), [2, 4, 15]), kernel);
    const [s, k] = [list(signal), list(kernel)];
    const expected = Array.from({ length: 2 * 4 * 4 }, (_, i) => {
      const [b, t, o] = [Math.floor(i / 16), Math.floor(i / 4) % 4, i % 4];
      let total = 0;
      for (let w = 0; w < 5; w++)
        for (let c = 0; c < 3; c++) total += s[(b * 8 + t + w) * 3 + c]! * k[o * 15 + w * 3 + c]!;
      return total;
    });
    list(y).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
  });
  test("oneHot", () => {
    expect(nested(oneHot(fromArray(Int32Array.of(2, 0, 5), [3]), 3))).toEqual({
      shape: [3, 3],
      values: [0, 0, 1, 1, 0, 0, 0, 0, 0],
    });
    expect(oneHot(arange(0, 2), 2, { dtype: "bool" }).dtype).toBe("bool");
    expect(oneHot(arange(0, 2), 0).shape).toEqual([2, 0]);
  });
});

describe("statistics", () => {
  test("mean and variance over axes", () => {
    const x = double([1, 2, 3, 4, 5, 9], [2, 3]);
    expect(list(mean(x, { axes: 0 }))).toEqual([2.5, 3.5, 6]);
    expect(list(variance(x, { axes: 1 }))).toEqual([2 / 3, 14 / 3].map((v) => expect.closeTo(v, 12)));
    expect(list(variance(x, { axes: 1, correction: 1, keepDims: true }))).toEqual([1, 7]);
    expect([item(mean(double([]))), item(variance(double([1]), { correction: 1 }))]).toEqual([NaN, NaN]);
  });
  test("variance far from 0 does not cancel", () => {
    expect(item(variance(tensor([10000, 10001, 10002])))).toBeCloseTo(2 / 3, 5);
  });
  test("logSumExp over several axes, and of nothing but -Infinity", () => {
    expect(item(logSumExp(double([0, 0, 0, 0], [2, 2])))).toBeCloseTo(Math.log(4), 14);
    expect(list(logSumExp(double([-Infinity, -Infinity, 1000, 1000], [2, 2]), { axes: 1 }))).toEqual([
      -Infinity,
      1000 + Math.log(2),
    ]);
    expect(item(logSumExp(double([])))).toBe(-Infinity);
  });
  test("softmax along another axis is that of the transpose", () => {
    const x = normal([3, 4, 5], { rng: rng(3), dtype: "float64" });
    const y = softmax(x, { axis: 1 });
    expect(list(sum(y, { axes: 1 }))).toEqual(new Array(15).fill(expect.closeTo(1, 12)));
    expect(y.shape).toEqual([3, 4, 5]);
  });
});

describe("crossEntropy", () => {
  test("uniform logits give ln V", () => {
    expect(item(crossEntropy(zeros([4, 65]), fromArray(Int32Array.of(0, 7, 64, 3), [4])))).toBeCloseTo(Math.log(65), 5);
  });
  test("ignored rows get no gradient, also where the logits are not finite", () => {
    const logits = double([1, 2, 3, Infinity, NaN, 0], [2, 3]);
    const { value, gradients } = valueAndGradients(
      () => crossEntropy(logits, fromArray(Int32Array.of(0, -100), [2]), { reduction: "sum" }),
      [logits],
    );
    expect(item(value)).toBeCloseTo(Math.log(1 + Math.E + Math.E ** 2), 12);
    expect(list(gradients[0]).slice(0, 3).every(Number.isFinite)).toBe(true);
  });
  test("every target ignored", () => {
    const targets = fromArray(Int32Array.of(-100, -100), [2]);
    expect(item(crossEntropy(zeros([2, 3]), targets))).toBeNaN();
    expect(item(crossEntropy(zeros([2, 3]), targets, { reduction: "sum" }))).toBe(0);
    expect(crossEntropy(zeros([1, 2, 3]), reshape(targets, [1, 2]), { reduction: "none" }).shape).toEqual([1, 2]);
  });
});

describe("einsum", () => {
  const random = (seed: number, shape: readonly number[]): Tensor =>
    normal(shape, { rng: rng(seed), dtype: "float64" });

  /** Sums the product over every assignment of the letters: no matrix product, no permutation. */
  function naive(equation: string, tensors: readonly Tensor[]): number[] {
    const [left, output] = equation.split("->") as [string, string];
    const terms = left.split(",");
    const sizes = new Map(
      terms.flatMap((term, i) => [...term].map((letter, axis): [string, number] => [letter, tensors[i]!.shape[axis]!])),
    );
    const letters = [...sizes.keys()];
    const values = tensors.map(list);
    const out = new Array<number>([...output].reduce((size, letter) => size * sizes.get(letter)!, 1)).fill(0);
    const total = letters.reduce((size, letter) => size * sizes.get(letter)!, 1);
    for (let n = 0; n < total; n++) {
      const at = new Map<string, number>();
      let rest = n;
      for (const letter of letters) {
        at.set(letter, rest % sizes.get(letter)!);
        rest = Math.floor(rest / sizes.get(letter)!);
      }
      const offset = (term: string): number =>
        [...term].reduce((flat, letter) => flat * sizes.get(letter)! + at.get(letter)!, 0);
      out[offset(output)]! += terms.reduce((product, term, i) => product * values[i]![offset(term)]!, 1);
    }
    return out;
  }

  const sizes: Readonly<Record<string, number>> = { a: 2, b: 3, c: 4, d: 5, e: 1, f: 2 };
  const equations = [
    "ab,bc->ac",
    "ab,cb->ca",
    "abc,acd->abd",
    "abc,abc->",
    "ab->ba",
    "ab->a",
    "abc->b",
    "a,b->ab",
    "ab,ab->ab",
    "abc,db,cf->adf",
    "ab,bc,cd->ad",
    "abcd,efb->fac",
    "ac,a->c",
    "abe,cb->ce",
    "a,a->",
    "abc->abc",
  ];
  for (const equation of equations) {
    test(equation, () => {
      const tensors = equation
        .split("->")[0]!
        .split(",")
        .map((term, i) =>
          random(
            i,
            [...term].map((letter) => sizes[letter]!),
          ),
        );
      const y = einsum(equation, ...tensors);
      expect(y.shape).toEqual([...equation.split("->")[1]!].map((letter) => sizes[letter]!));
      const expected = naive(equation, tensors);
      list(y).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
    });
  }
  test("without an arrow: letters that occur once, in order", () => {
    const [x, y] = [random(1, [2, 3]), random(2, [3, 4])];
    expect(list(einsum("ba, ac", x, y))).toEqual(list(matmul(x, y)));
  });
  test("attention scores and their gradients", () => {
    const [q, k] = [random(1, [2, 3, 4]), random(2, [2, 5, 4])];
    const f = (product: () => Tensor) =>
      valueAndGradients(() => sum(multiply(product(), product())), [q, k]).gradients.map(list);
    const [a, b] = [f(() => einsum("btd,bsd->bts", q, k)), f(() => matmul(q, k, { transposeB: true }))];
    a.flat().forEach((value, i) => expect(value).toBeCloseTo(b.flat()[i]!, 10));
  });
});

describe("dropout", () => {
  test("keeps about 1 - rate, scales them, and is the same again with the same generator", () => {
    const drop = () => list(dropout(ones([20000]), { rate: 0.3, rng: rng(5) }));
    const values = drop();
    const kept = values.filter((value) => value !== 0);
    expect(Math.abs(kept.length / 20000 - 0.7)).toBeLessThan(3 * Math.sqrt((0.7 * 0.3) / 20000));
    expect(new Set(kept)).toEqual(new Set([Math.fround(1 / 0.7)]));
    expect(drop()).toEqual(values);
  });
  test("two calls differ", () => {
    const generator = rng(5);
    expect(list(dropout(ones([100]), { rate: 0.5, rng: generator }))).not.toEqual(
      list(dropout(ones([100]), { rate: 0.5, rng: generator })),
    );
  });
  test("no generator: nothing is dropped", () =>
    expect(list(dropout(ones([5]), { rate: 0.9 }))).toEqual([1, 1, 1, 1, 1]));
  test("the gradient passes where the value did", () => {
    const x = ones([1000]);
    const y = dropout(x, { rate: 0.4, rng: rng(1) });
    const { gradients } = valueAndGradients(() => sum(dropout(x, { rate: 0.4, rng: rng(1) })), [x]);
    expect(list(gradients[0])).toEqual(list(y));
  });
});

describe("scaledDotProductAttention", () => {
  const random = (seed: number, shape: readonly number[]): Tensor =>
    normal(shape, { rng: rng(seed), dtype: "float64" });
  test("masked keys have no influence, not even NaN ones", () => {
    const [q, k, v] = [random(1, [1, 1, 2, 3]), random(2, [1, 1, 4, 3]), random(3, [1, 1, 4, 3])];
    const mask = fromArray(Uint8Array.of(1, 1, 0, 0), [1, 1, 1, 4]);
    const y = list(scaledDotProductAttention(q, k, v, { mask }));
    const [other, NaNs] = [random(9, [1, 1, 2, 3]), full([1, 1, 2, 3], NaN, { dtype: "float64" })];
    for (const tail of [other, NaNs]) {
      const changed = fromArray(Float64Array.from([...list(k).slice(0, 6), ...list(tail)]), [1, 1, 4, 3]);
      expect(list(scaledDotProductAttention(q, changed, v, { mask }))).toEqual(y);
    }
  });
  test("a row without keys gives 0 and no gradient", () => {
    const [q, k, v] = [random(1, [1, 1, 2, 3]), random(2, [1, 1, 2, 3]), random(3, [1, 1, 2, 3])];
    const mask = fromArray(Uint8Array.of(0, 0, 1, 1), [2, 2]);
    const { gradients } = valueAndGradients(() => sum(scaledDotProductAttention(q, k, v, { mask })), [q, k, v]);
    expect(list(scaledDotProductAttention(q, k, v, { mask })).slice(0, 3)).toEqual([0, 0, 0]);
    expect(list(gradients[0]).slice(0, 3)).toEqual([0, 0, 0]);
    expect(gradients.every((gradient) => list(gradient).every(Number.isFinite))).toBe(true);
  });
  test("dropout of the probabilities: the mean over many draws is the result without", () => {
    const [q, k, v] = [random(1, [1, 2, 3, 4]), random(2, [1, 1, 5, 4]), random(3, [1, 1, 5, 4])];
    const expected = list(scaledDotProductAttention(q, k, v));
    const generator = rng(4);
    const total = new Array<number>(expected.length).fill(0);
    for (let i = 0; i < 3000; i++)
      scope(() =>
        list(scaledDotProductAttention(q, k, v, { dropout: { rate: 0.5, rng: generator } })).forEach(
          (value, j) => (total[j]! += value / 3000),
        ),
      );
    total.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(0.1));
    expect(list(scaledDotProductAttention(q, k, v, { dropout: { rate: 0.5 } }))).toEqual(expected);
  });
});

test("adamwStep inside a differentiation is refused", () => {
  const [p, g, m, v] = [ones([2]), ones([2]), zeros([2]), zeros([2])];
  const step = () =>
    adamwStep({
      parameters: [p],
      gradients: [g],
      firstMoments: [m],
      secondMoments: [v],
      learningRates: [0.1],
      weightDecays: [0],
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      step: 1,
    });
  expect(() =>
    valueAndGradients(() => {
      const y = sum(p);
      step();
      return y;
    }, [p]),
  ).toThrow(/is part of an open differentiation/);
  step();
  expect(list(p)).toEqual([expect.closeTo(0.9, 6), expect.closeTo(0.9, 6)]);
});

test("globalNorm has a gradient", () => {
  const [a, b] = [double([3]), double([4])];
  expect(valueAndGradients(() => globalNorm([a, b]), [a, b]).gradients.map(item)).toEqual(
    [0.6, 0.8].map((x) => expect.closeTo(x, 14)),
  );
});

test("topK of an axis with NaN puts it first", () => {
  const { values, indices } = topK(tensor([1, NaN, 5, 5]), 3);
  expect([list(values), list(indices)]).toEqual([
    [NaN, 5, 5],
    [1, 2, 3],
  ]);
});

describe("in place", () => {
  test("assign from a part of itself", () => {
    const x = arange(0, 4);
    const [a, b] = split(x, [2, 2]);
    assign(a!, b!);
    expect(list(x)).toEqual([2, 3, 2, 3]);
  });
  test("assignSlice of a detached tensor", () => {
    const x = zeros([2, 3]);
    assignSlice(detach(x), ones([1, 3]), [1, 0]);
    expect(list(x)).toEqual([0, 0, 0, 1, 1, 1]);
  });
});

test("layerNorm without gain has one bias", () => {
  const x = double([1, 2, 3], [1, 3]);
  expect(list(layerNorm(x, { bias: double([1, 1, 1]) }))).toEqual(list(add(layerNorm(x), 1)));
});

test("cast of a comparison counts", () => {
  const x = uniform([1000], { rng: rng(2) });
  const above = item(sum(cast(greaterEqual(x, 0.5), "int32")));
  const below = item(sum(cast(logicalNot(greaterEqual(x, 0.5)), "int32")));
  expect(above + below).toBe(1000);
  expect(Math.abs(above - 500)).toBeLessThan(3 * Math.sqrt(250));
});
