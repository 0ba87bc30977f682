import {
  dataSync,
  mean,
  multiply,
  normal,
  referenceBackend,
  rng,
  sum,
  type Tensor,
  tensor,
  useBackend,
  valueAndGradients,
  zeros,
} from "@heed/tensor";
import { expect, test } from "vitest";
import {
  countParameters,
  createCharacterCnn,
  createConvolution,
  createDilatedStack,
  createEmbedding,
  createFeedForward,
  createGruCell,
  createHighway,
  createLstmCell,
  createMixtureOfExperts,
  createRecurrent,
  createScalarMix,
  Highway,
  Linear,
  loadStateDict,
  onesInit,
  parameters,
  reluActivation,
  stateDict,
  tanhActivation,
  xavierUniformInit,
  zerosInit,
} from "../src/index.ts";

useBackend(referenceBackend());

const source = rng(1);
const weight = (shape: readonly number[]): Tensor => normal(shape, { rng: source, dtype: "float64" });
const draw = (...shape: number[]): Tensor => weight(shape);
const shapes = (module: object): Record<string, readonly number[]> =>
  Object.fromEntries([...stateDict(module)].map(([name, { shape }]) => [name, shape]));

/** Every weight takes part: none has a gradient of zeros. */
function expectAllUsed(module: object, forward: () => Tensor): void {
  const all = stateDict(module);
  const squares = () => {
    const y = forward();
    return mean(multiply(y, y));
  };
  const { gradients } = valueAndGradients(squares, Object.fromEntries(all));
  for (const name of all.keys())
    expect(
      dataSync(gradients[name]!).some((value) => value !== 0),
      name,
    ).toBe(true);
}

test("createConvolution: one and two dimensions, groups, bias", () => {
  const line = createConvolution({ dIn: 4, dOut: 6, size: 3, numGroups: 2, padding: 1, weight, bias: weight });
  expect(shapes(line)).toEqual({ weight: [6, 2, 3], bias: [6] });
  expect([line.padding, line.numGroups, line.stride]).toEqual([1, 2, 1]);
  const grid = createConvolution({ dIn: 2, dOut: 3, size: [2, 5], stride: 2, weight });
  expect(shapes(grid)).toEqual({ weight: [3, 2, 2, 5] });
  expect(grid.forward(draw(1, 4, 9, 2)).shape).toEqual([1, 2, 3, 3]);
});

test("createDilatedStack doubles dilations and keeps the length, causal or centered", () => {
  const parts = { dModel: 2, size: 3, numLayers: 3, activation: tanhActivation, weight };
  const causal = createDilatedStack(parts);
  expect(causal.layers.map(({ dilation, padding }) => [dilation, padding])).toEqual([
    [1, "causal"],
    [2, "causal"],
    [4, "causal"],
  ]);
  expect(causal.receptiveField).toBe(15);
  const centered = createDilatedStack({ ...parts, causal: false });
  expect(centered.layers.map(({ padding }) => padding)).toEqual([1, 2, 4]);
  expect([causal, centered].map((stack) => stack.forward(draw(1, 5, 2)).shape)).toEqual([
    [1, 5, 2],
    [1, 5, 2],
  ]);
});

test("createHighway carries at first where its gate's bias says so", () => {
  const layer = createHighway({ dModel: 3, weight: zerosInit(), bias: zerosInit(), gateBias: onesInit() });
  const x = tensor([[1, -2, 4]]);
  const carried = 1 / (1 + Math.exp(-1));
  dataSync(layer.forward(x)).forEach((y, i) => expect(y).toBeCloseTo(carried * dataSync(x)[i]!, 6));
  expect(shapes(createHighway({ dModel: 3, weight }))).toEqual({ "transform.weight": [3, 3], "gate.weight": [3, 3] });
});

test("createCharacterCnn, createScalarMix and createMixtureOfExperts make layers that use all their weights", () => {
  const filters = [1, 2].map((size) => ({ size, dOut: 3 * size }));
  const words = createCharacterCnn({ dCharacter: 2, filters, activation: tanhActivation, weight, bias: weight });
  const letters = draw(4, 5, 2);
  expect(words.forward(letters).shape).toEqual([4, 9]);
  expectAllUsed(words, () => words.forward(letters));

  const mix = createScalarMix({ numLayers: 2, dtype: "float64" });
  const layers = [tensor([2], { dtype: "float64" }), tensor([5], { dtype: "float64" })];
  expect(dataSync(mix.forward(layers))[0]).toBeCloseTo(3.5, 12);
  expectAllUsed(mix, () => mix.forward(layers));

  const expert = () => createFeedForward({ dModel: 4, dFF: 5, activation: tanhActivation, weight });
  const mixture = createMixtureOfExperts({ dModel: 4, numExperts: 3, expert, weight });
  expect([mixture.k, mixture.experts.length, shapes(mixture.router)]).toEqual([2, 3, { weight: [3, 4] }]);
  const x = draw(20, 4);
  expectAllUsed(mixture, () => mixture.forward(x).y);
});

test("createRecurrent stacks cells of any kind, each on all that the layer below gives", () => {
  const widths = { dIn: 2, dState: 3, weight, bias: weight };
  const x = draw(2, 4, 2);
  const gru = createRecurrent({ ...widths, cell: createGruCell, numLayers: 2, bidirectional: true });
  expect(gru.forward(x).y.shape).toEqual([2, 4, 6]);
  expect(shapes(gru.cells[1]![0]!)["input.weight"]).toEqual([9, 6]);
  expectAllUsed(gru, () => gru.forward(x).y);
  const projected = createRecurrent({
    ...widths,
    cell: (options) => createLstmCell({ ...options, dProjection: 5 }),
    numLayers: 2,
  });
  expect(projected.forward(x).y.shape).toEqual([2, 4, 5]);
  expectAllUsed(projected, () => projected.forward(x).y);
});

test("xavierUniformInit counts the places of a window in both fans", () => {
  const values = dataSync(xavierUniformInit({ rng: rng(3) })([20, 10, 5]));
  const largest = Math.max(...Array.from(values, Math.abs));
  const limit = Math.sqrt(6 / (30 * 5));
  expect(largest).toBeLessThanOrEqual(Math.fround(limit));
  expect(largest).toBeGreaterThan(0.95 * limit);
});

test("a tied weight is one parameter whose gradient is the sum of both uses", () => {
  const [V, E, ids, share] = [3, 2, [2, 0, 2], [1, -2, 0.5]] as const;
  const embedding = createEmbedding({ numEmbeddings: V, dModel: E, weight });
  const model = { embedding, head: new Linear(embedding.weight) };
  expect(shapes(model)).toEqual({ "embedding.weight": [V, E], "head.weight": [V, E] });
  expect([parameters(model), countParameters(model)]).toEqual([[embedding.weight], V * E]);

  const tokens = tensor([ids], { dtype: "int32" });
  const loss = () =>
    sum(multiply(model.head.forward(model.embedding.forward(tokens)), tensor([...share], { dtype: "float64" })));
  const { gradients } = valueAndGradients(loss, parameters(model));
  const W = Array.from({ length: V }, (_, r) => [...dataSync(embedding.weight).slice(r * E, (r + 1) * E)]);
  const expected = new Float64Array(V * E);
  for (const id of ids)
    for (let r = 0; r < V; r++)
      for (let e = 0; e < E; e++) {
        expected[id * E + e]! += share[r]! * W[r]![e]!; // through the input table
        expected[r * E + e]! += share[r]! * W[id]![e]!; // through the head
      }
  dataSync(gradients[0]!).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));

  const saved = new Map([...stateDict(model)].map(([name]) => [name, draw(V, E)]));
  saved.set("head.weight", saved.get("embedding.weight")!);
  loadStateDict(model, saved);
  expect(model.head.weight).toBe(model.embedding.weight);
  expect(dataSync(model.head.weight)).toEqual(dataSync(saved.get("embedding.weight")!));
});

test("names what does not fit", () => {
  const one = { dIn: 2, dOut: 2, size: 2, weight: zerosInit() };
  expect(() => createConvolution({ ...one, size: [2, 0] })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: createConvolution: size is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => createConvolution({ ...one, dIn: 3, numGroups: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: createConvolution: dIn does not fit, expected a multiple of 2 groups, got 3]`,
  );
  const stack = { dModel: 2, size: 2, numLayers: 1, activation: reluActivation, weight: zerosInit() };
  expect(() => createDilatedStack({ ...stack, causal: false })).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: createDilatedStack: size has no center, expected an odd number where not causal, got 2]`,
  );
  expect(() =>
    createRecurrent({ cell: createGruCell, dIn: 1, dState: 1, numLayers: 0, weight: zerosInit() }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: createRecurrent: numLayers is out of range, expected a whole number >= 1, got 0]`,
  );
  expect(() => new Highway(new Linear(zeros([2, 2])), new Linear(zeros([1, 2])))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: Highway: gate has weight [1, 2], expected [2, 2]]`,
  );
});
