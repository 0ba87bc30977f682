import { createLinear, Linear, normalInit, siluActivation, stateDict } from "@heed/nn";
import {
  add,
  dataSync,
  fromArray,
  multiply,
  ones,
  referenceBackend,
  rng,
  sum,
  type Tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { expect, test } from "vitest";
import {
  createMultiHeadAttention,
  GateSequence,
  type HeadGate,
  HeadScale,
  MultiHeadAttention,
  OutputGate,
  softmaxAttention,
} from "../src/index.ts";
import { expectClose } from "../src/testing.ts";

useBackend(referenceBackend());

const init = normalInit({ std: 0.5, rng: rng(83), dtype: "float64" });
const linear = (dOut: number) => createLinear({ dIn: 6, dOut, weight: init, bias: init });
const [B, T, E, H, D] = [2, 3, 6, 2, 4];
const [x, heads] = [init([B, T, E]), init([B, T, H, D])];
const numbers = (y: Tensor) => Array.from(dataSync(y));

/** projection(x) of a token, in plain loops: rows of the weight against its values. */
function project({ projection }: OutputGate, row: number): number[] {
  const [weight, bias, values] = [projection.weight, projection.bias!, x].map(numbers) as [
    number[],
    number[],
    number[],
  ];
  return bias.map((start, o) =>
    Array.from({ length: E }, (_, e) => weight[o * E + e]! * values[row * E + e]!).reduce((a, b) => a + b, start),
  );
}

const activations = {
  "the sigmoid": { activation: undefined, plain: (r: number) => 1 / (1 + Math.exp(-r)) },
  silu: { activation: siluActivation, plain: (r: number) => r / (1 + Math.exp(-r)) },
  "roles beside what they bind": { activation: (r: Tensor) => add(r, 1), plain: (r: number) => 1 + r },
};

test.each(Object.entries(activations))("gates by %s, for heads and for each of their values", (_, given) => {
  const { activation, plain } = given;
  for (const dOut of [H, H * D]) {
    const gate = new OutputGate({ projection: linear(dOut), ...(activation && { activation }) });
    const expected = numbers(heads).map((value, i) => {
      const place = Math.floor((i % (H * D)) / ((H * D) / dOut));
      return value * plain(project(gate, Math.floor(i / (H * D)))[place]!);
    });
    expectClose(`${dOut} gates`, dataSync(gate.forward(x, heads)), expected, 1e-12);
  }
});

test("weights of heads: one number a head, whatever the token; ones change nothing", () => {
  const scale = init([H]);
  const scaled = numbers(new HeadScale({ scale }).forward(x, heads));
  const expected = numbers(heads).map((value, i) => value * numbers(scale)[Math.floor(i / D) % H]!);
  expectClose("scaled", scaled, expected, 0);
  const one = new HeadScale({ scale: ones([H], { dtype: "float64" }) });
  expectClose("ones", dataSync(one.forward(x, heads)), dataSync(heads), 0);
});

test("gates in a row are one after the other; none is the identity", () => {
  const [first, second] = [new OutputGate({ projection: linear(H) }), new HeadScale({ scale: init([H]) })];
  const both = new GateSequence([first, second]).forward(x, heads);
  expectClose("both", dataSync(both), dataSync(second.forward(x, first.forward(x, heads))), 0);
  expect(new GateSequence([]).forward(x, heads)).toBe(heads);
});

const gateOf = (weight: Tensor, bias: Tensor, activation = siluActivation) =>
  new OutputGate({ projection: new Linear(weight, bias), activation });
const scaleOf = (scale: Tensor) => new HeadScale({ scale });

/** Gates by their weights, and shapes of those. */
const gates: Record<string, { make: (...weights: Tensor[]) => HeadGate; shapes: number[][] }> = {
  OutputGate: { make: (weight, bias) => gateOf(weight!, bias!), shapes: [[H * D, E], [H * D]] },
  HeadScale: { make: (scale) => scaleOf(scale!), shapes: [[H]] },
  GateSequence: {
    make: (scale, weight, bias) => new GateSequence([scaleOf(scale!), gateOf(weight!, bias!)]),
    shapes: [[H], [H, E], [H]],
  },
};

test.each(Object.entries(gates))("%s: the gradient equals finite differences", (_, { make, shapes }) => {
  const leaves = [x, heads, ...shapes.map((shape) => init(shape))];
  const cotangent = init(heads.shape);
  const value = ([input, given, ...weights]: readonly Tensor[]) =>
    sum(multiply(make(...weights).forward(input!, given!), cotangent));
  const { gradients } = valueAndGradients(() => value(leaves), leaves);
  leaves.forEach((leaf, place) => {
    const slopes = numbers(leaf).map((_, i) => {
      const [up, down] = [1e-5, -1e-5].map((step) => {
        const moved = Float64Array.from(numbers(leaf), (old, j) => (i === j ? old + step : old));
        const other = fromArray(moved, leaf.shape, { dtype: "float64" });
        return dataSync(value(leaves.map((old) => (old === leaf ? other : old))))[0]!;
      }) as [number, number];
      return (up - down) / 2e-5;
    });
    expectClose(`leaf ${place}`, dataSync(gradients[place]!), slopes, 1e-6);
  });
});

test.each(Object.entries(gates))("%s: a smaller gate for fewer heads, its weights found in a layer", (_, given) => {
  const gate = given.make(...given.shapes.map((shape) => init(shape)));
  const second = (y: Tensor) => numbers(y).filter((__, i) => Math.floor(i / D) % H === 1);
  const some = fromArray(Float64Array.from(second(heads)), [B, T, 1, D], { dtype: "float64" });
  const kept = gate.keepHeads([1], H).forward(x, some);
  expectClose("kept", dataSync(kept), second(gate.forward(x, heads)), 1e-12);
  const { projection, output, attention } = createMultiHeadAttention({
    ...{ dModel: E, numHeads: H, dHead: D, attention: softmaxAttention(), weight: init },
  });
  const layer = new MultiHeadAttention({ projection, output, attention, gate });
  const names = [...stateDict(layer).keys()].filter((name) => name.startsWith("gate."));
  expect(names).toEqual([...stateDict(gate).keys()].map((name) => `gate.${name}`));
  expect(names).toHaveLength(given.shapes.length);
});

test("weights that fit no heads", () => {
  const text = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      return String(error);
    }
    return "no error";
  };
  expect(text(() => new HeadScale({ scale: init([1, 2]) }))).toMatchInlineSnapshot(
    `"ShapeError: HeadScale: scale has rank 2 in shape [1, 2], expected 1 axis [H]"`,
  );
  expect(text(() => new HeadScale({ scale: init([3]) }).forward(x, heads))).toMatchInlineSnapshot(
    `"ShapeError: HeadScale: scale has shape [3], expected [2] (from the heads)"`,
  );
});
