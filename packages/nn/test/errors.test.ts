import { dataSync, referenceBackend, reshape, type Tensor, tensor, useBackend, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import {
  CharacterCnn,
  Convolution,
  createGruCell,
  createLstmCell,
  createRecurrent,
  DeviationNorm,
  DilatedStack,
  dropPath,
  GatedFeedForward,
  GroupNorm,
  Linear,
  MixtureOfExperts,
  reluActivation,
  ScalarMix,
  zerosInit,
} from "../src/index.ts";

useBackend(referenceBackend());

const linear = (dOut: number, dIn: number) => new Linear(zeros([dOut, dIn]));

test("nothing broadcasts in silence: gates, experts, mixes", () => {
  expect(
    () => new GatedFeedForward(linear(3, 2), linear(3, 2), linear(1, 3), reluActivation),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: GatedFeedForward: contract has dOut=1 in weight [1, 3], expected 2 (from expand [3, 2])]`,
  );
  expect(() =>
    new MixtureOfExperts(linear(2, 3), [linear(3, 3), linear(1, 3)]).forward(zeros([1, 4, 3])),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: MixtureOfExperts: expert 1 gives shape [4, 1], expected [4, 3] (from x [1, 4, 3])]`,
  );
  expect(() =>
    new ScalarMix(zeros([2]), zeros([1])).forward([zeros([2, 3]), zeros([1, 3])]),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: ScalarMix: layers[1] has shape [1, 3], expected [2, 3] (from layers[0])]`,
  );
});

test("a dilated stack keeps places and channels", () => {
  const stack = (layer: Convolution) => () => new DilatedStack([layer], reluActivation);
  const weight = zeros([2, 2, 3]);
  expect(stack(new Convolution(weight, undefined, { padding: 1 }))).not.toThrow();
  expect(stack(new Convolution(weight, undefined, { padding: 2, dilation: 2 }))).not.toThrow();
  expect(stack(new Convolution(weight))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: DilatedStack: layer 0 gives another number of places than it takes, expected padding "causal" or 1, got 0]`,
  );
  expect(
    stack(new Convolution(weight, undefined, { padding: "causal", stride: 2 })),
  ).toThrowErrorMatchingInlineSnapshot(`[ShapeError: DilatedStack: layer 0 skips places, expected stride 1, got 2]`);
  expect(stack(new Convolution(zeros([1, 2, 3]), undefined, { padding: 1 }))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: DilatedStack: layer 0 gives other channels than it takes, expected weight [E, E / groups, K], got [1, 2, 3]]`,
  );
  expect(stack(new Convolution(zeros([2, 2, 3, 3]), undefined, { padding: 1 }))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: DilatedStack: layer 0 gives other channels than it takes, expected weight [E, E / groups, K], got [2, 2, 3, 3]]`,
  );
});

test("a recurrent layer takes states, lengths and steps that fit", () => {
  const widths = { dIn: 2, dState: 3, weight: zerosInit() };
  const gru = createRecurrent({ ...widths, cell: createGruCell });
  const lstm = createRecurrent({ ...widths, cell: createLstmCell });
  const x = zeros([2, 4, 2]);
  const lengths = (values: number[], dtype: "int32" | "float32" = "int32") => ({ lengths: tensor(values, { dtype }) });
  expect(() => gru.forward(x, { states: [{ h: zeros([1, 3]) }] })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: Recurrent: states[0].h has shape [1, 3], expected [2, 3]]`,
  );
  expect(() => lstm.forward(x, { states: [{ h: zeros([2, 3]) }] })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: Recurrent: states[0].c has shape none, expected [2, 3]]`,
  );
  expect(() => gru.forward(x, lengths([4, 5]))).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: Recurrent: lengths has 5 at index 1, expected 0..4 (from T=4 steps of x)]`,
  );
  expect(() => gru.forward(x, lengths([4, 2], "float32"))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: Recurrent: lengths has dtype float32, expected int32]`,
  );
  expect(() => gru.forward(zeros([2, 0, 2]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: Recurrent: x has T=0 in shape [2, 0, 2], expected at least one step]`,
  );
});

test("errors have the name of the layer that was called", () => {
  expect(() =>
    new Convolution(zeros([1, 1, 3]), undefined, { dilation: 2 }).forward(zeros([1, 4, 1])),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: Convolution: x has 4 places with padding in axis 1 of shape [1, 4, 1], expected at least 5 (from weight [1, 1, 3] and dilation 2)]`,
  );
  expect(() =>
    new Convolution(zeros([1, 1, 2, 5]), undefined, { padding: 1 }).forward(zeros([1, 2, 2, 1])),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: Convolution: x has 4 places with padding in axis 2 of shape [1, 2, 2, 1], expected at least 5 (from weight [1, 1, 2, 5] and dilation 1)]`,
  );
  expect(() => new CharacterCnn([], reluActivation)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: CharacterCnn: convolutions is empty, expected at least one]`,
  );
  expect(() => dropPath(zeros([]), { rate: 0.5 })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: dropPath: y has shape [], expected [B, ...]]`,
  );
  expect(() => new DeviationNorm(zeros([1]), zeros([1]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: DeviationNorm: gain has shape [1], expected at least 2 values: one has no deviation]`,
  );
});

test("a window that just fits gives one place, and a batch of none stays none", () => {
  const just: Tensor = tensor([1, 2, 3, 4, 5]);
  const layer = new Convolution(tensor([[[1, 10, 100]]]), undefined, { dilation: 2 });
  const y = layer.forward(reshape(just, [1, 5, 1]));
  expect([y.shape, [...dataSync(y)]]).toEqual([[1, 1, 1], [531]]);
  const norm = new GroupNorm(zeros([4]), zeros([4]), { numGroups: 2 });
  expect(norm.forward(zeros([0, 4, 3])).shape).toEqual([0, 4, 3]);
});
