import {
  assign,
  dataSync,
  fromArray,
  multiply,
  normal,
  referenceBackend,
  reshape,
  rng,
  sum,
  type Tensor,
  tanh,
  tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { expect, test } from "vitest";
import {
  CharacterCnn,
  Convolution,
  createGatedFeedForward,
  createGruCell,
  createLinear,
  createLstmCell,
  createRnnCell,
  DilatedStack,
  dropPath,
  Highway,
  LayerNorm,
  MixtureOfExperts,
  type Module,
  normalizedResidual,
  parallelBranches,
  parameters,
  postNorm,
  preNorm,
  Recurrent,
  type RecurrentCell,
  ScalarMix,
  sandwichNorm,
  scaledResidual,
  siluActivation,
} from "../src/index.ts";

useBackend(referenceBackend());

const source = rng(1);
const draw = (shape: readonly number[]): Tensor => normal(shape, { rng: source, dtype: "float64" });
const linear = (dIn: number, dOut: number) => createLinear({ dIn, dOut, weight: draw, bias: draw });
const step = 1e-5;

/** The largest difference of a gradient from central differences, relative where they exceed 1. */
function worstGradient(forward: (x: Tensor) => Tensor, module: Module, shape: readonly number[]): number {
  const x = draw(shape);
  const leaves = [x, ...parameters(module)];
  const cotangent = draw(forward(x).shape);
  const loss = (): Tensor => sum(multiply(forward(x), cotangent));
  const { gradients } = valueAndGradients(loss, leaves);
  const errors = leaves.flatMap((leaf, n) => {
    const start = Float64Array.from(dataSync(leaf));
    const lossAt = (i: number, offset: number): number => {
      const moved = start.map((value, j) => (i === j ? value + offset : value));
      assign(leaf, fromArray(moved, leaf.shape, { dtype: "float64" }));
      return dataSync(loss())[0]!;
    };
    const gradient = Array.from(dataSync(gradients[n]!));
    const differences = gradient.map((value, i) => {
      const expected = (lossAt(i, step) - lossAt(i, -step)) / (2 * step);
      return Math.abs(value - expected) / Math.max(1, Math.abs(expected));
    });
    assign(leaf, fromArray(start, leaf.shape, { dtype: "float64" }));
    return differences;
  });
  return Math.max(...errors);
}

type Part = readonly [name: string, module: Module, forward: (x: Tensor) => Tensor, shape: readonly number[]];

const rows = new Convolution(draw([4, 2, 3, 2]), draw([4]), { stride: 2, dilation: 2, padding: 3, numGroups: 2 });
const line = new Convolution(draw([4, 1, 3]), draw([4]), { dilation: 2, padding: "causal", numGroups: 2 });
const dilated = new DilatedStack(
  [1, 2].map((dilation) => new Convolution(draw([2, 2, 2]), draw([2]), { dilation, padding: "causal" })),
  tanh,
);
const characters = new CharacterCnn(
  [1, 2].map((size) => new Convolution(draw([2, 2, size]), draw([2]))),
  tanh,
);
const highway = new Highway(linear(3, 3), linear(3, 3));
const gate = createGatedFeedForward({ dModel: 2, dFF: 3, activation: siluActivation, weight: draw, bias: draw });
const mixture = new MixtureOfExperts(
  linear(3, 3),
  [0, 1, 2].map(() => linear(3, 3)),
  { k: 2 },
);
const mix = new ScalarMix(draw([2]), draw([1]));
const other = draw([2, 2]);
const parts: readonly Part[] = [
  ["convolution over rows and columns", rows, (x) => rows.forward(x), [2, 5, 4, 4]],
  ["causal convolution", line, (x) => line.forward(x), [2, 5, 2]],
  ["dilated stack", dilated, (x) => dilated.forward(x), [2, 5, 2]],
  ["character CNN", characters, (x) => characters.forward(x), [2, 4, 2]],
  ["highway", highway, (x) => highway.forward(x), [2, 3]],
  ["gated feed-forward", gate, (x) => gate.forward(x), [2, 2]],
  ["mixture of experts", mixture, (x) => mixture.forward(x).y, [3, 3]],
  ["balance loss", mixture, (x) => mixture.forward(x).balanceLoss, [4, 3]],
  ["scalar mix", mix, (x) => mix.forward([x, other]), [2, 2]],
];

test.each(parts)("gradients of %s equal differences", (_name, module, forward, shape) => {
  expect(worstGradient(forward, module, shape)).toBeLessThan(1e-6);
});

const cell = { dIn: 2, dState: 3, weight: draw, bias: draw };
const cells: readonly (readonly [string, () => RecurrentCell])[] = [
  ["RNN", () => createRnnCell(cell)],
  ["GRU", () => createGruCell(cell)],
  ["LSTM", () => createLstmCell(cell)],
  ["projected LSTM", () => createLstmCell({ ...cell, dProjection: 2 })],
];

test.each(cells)("gradients of a bidirectional %s over padded rows equal differences", (_name, make) => {
  const layer = new Recurrent([[make(), make()]]);
  const lengths = tensor([2, 3], { dtype: "int32" });
  expect(worstGradient((x) => layer.forward(x, { lengths }).y, layer, [2, 3, 2])).toBeLessThan(1e-6);
});

test.each(cells)("a padded row of a bidirectional %s equals the row cut to its length", (_name, make) => {
  const layer = new Recurrent([[make(), make()]]);
  const values = Array.from(dataSync(draw([5, 2])));
  const whole = fromArray(values, [1, 5, 2], { dtype: "float64" });
  const cut = fromArray(values.slice(0, 6), [1, 3, 2], { dtype: "float64" });
  const padded = layer.forward(whole, { lengths: tensor([3], { dtype: "int32" }) });
  const short = layer.forward(cut);
  const expected = Array.from(dataSync(short.y));
  expect(Array.from(dataSync(padded.y)).slice(0, expected.length)).toEqual(expected);
  padded.states.forEach(({ h }, i) => expect(dataSync(h)).toEqual(dataSync(short.states[i]!.h)));
});

test("gradients through norm placements and a dropped path equal differences", () => {
  const norm = new LayerNorm(draw([3]), draw([3]));
  const branch = linear(3, 3);
  const scale = draw([3]);
  const run = (x: Tensor): Tensor => branch.forward(x);
  const module = { norm, branch, scale };
  const placements = [preNorm(norm), postNorm(norm), normalizedResidual(norm), sandwichNorm(norm, norm)];
  for (const place of placements)
    expect(worstGradient((x) => place(x, run, scaledResidual(scale)), module, [2, 3])).toBeLessThan(1e-6);
  expect(worstGradient((x) => parallelBranches(x, norm, [run, tanh]), module, [2, 3])).toBeLessThan(1e-6);
  const dropped = (x: Tensor) => dropPath(run(x), { rate: 0.5, rng: rng(4) });
  expect(worstGradient(dropped, module, [4, 3])).toBeLessThan(1e-6);
});

test("a tied weight gets the gradients of both places, and counts once", () => {
  const inner = linear(3, 3);
  const tied = { first: inner, second: { weight: inner.weight } };
  expect(parameters(tied).length).toBe(2);
  const twice = (x: Tensor): Tensor => inner.forward(reshape(inner.forward(x), [2, 3]));
  expect(worstGradient(twice, tied, [2, 3])).toBeLessThan(1e-6);
});
