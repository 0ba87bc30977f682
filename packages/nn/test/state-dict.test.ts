import { dataSync, referenceBackend, type Tensor, tensor, useBackend, zeros } from "@heed/tensor";
import { expect, test } from "vitest";
import {
  countParameters,
  createFeedForward,
  createLayerNorm,
  loadStateDict,
  parameters,
  reluActivation,
  stateDict,
  zerosInit,
} from "../src/index.ts";

useBackend(referenceBackend());

const makeModule = () => {
  const shared = zeros([2, 3]);
  const score = Object.assign((x: Tensor) => x, { keys: zeros([4]) });
  return {
    norm: createLayerNorm({ dModel: 3 }),
    blocks: [
      createFeedForward({ dModel: 3, dFF: 2, activation: reluActivation, weight: zerosInit() }),
      { table: shared },
    ],
    head: shared,
    score,
    ids: zeros([5], { dtype: "int32" }),
    named: new Map([["left", zeros([1])]]),
    numHeads: 4,
    nothing: undefined,
    numbers: new Float32Array(3),
  };
};

const names = [
  "norm.gain",
  "norm.bias",
  "blocks.0.expand.weight",
  "blocks.0.contract.weight",
  "blocks.1.table",
  "head",
  "score.keys",
  "ids",
  "named.left",
];

test("names tensors by path: fields, list indices, map keys, properties of functions", () => {
  expect([...stateDict(makeModule()).keys()]).toEqual(names);
});

test("parameters are the float tensors, shared ones once", () => {
  const module = makeModule();
  expect(parameters(module).filter((x) => x === module.head)).toHaveLength(1);
  expect(parameters(module)).toHaveLength(7);
  expect(countParameters(module)).toBe(3 + 3 + 6 + 6 + 6 + 4 + 1);
});

test("a module that refers to itself ends", () => {
  const module: { weight: Tensor; self?: object } = { weight: zeros([1]) };
  module.self = module;
  expect([...stateDict(module).keys()]).toEqual(["weight"]);
});

test("loads values into the same tensors", () => {
  const module = createLayerNorm({ dModel: 2 });
  const { gain } = module;
  loadStateDict(
    module,
    new Map([
      ["bias", tensor([3, 4])],
      ["gain", tensor([1, 2])],
    ]),
  );
  expect(module.gain).toBe(gain);
  expect([...dataSync(module.gain), ...dataSync(module.bias!)]).toEqual([1, 2, 3, 4]);
});

test("refuses a state that does not fit, lists why, and changes nothing", () => {
  const module = createLayerNorm({ dModel: 2 });
  const state = new Map([
    ["gain", tensor([7, 7, 7])],
    ["weight", zeros([2])],
  ]);
  expect(() => loadStateDict(module, state)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: loadStateDict: state does not fit the module, expected its 2 names and shapes, got missing: bias; unexpected: weight; different: gain expected float32 [2], got float32 [3]. Build the module with the options the weights were saved with]`,
  );
  expect(() => loadStateDict(module, new Map([["gain", tensor([7, 7])]]))).toThrow(/missing: bias\./);
  expect([...dataSync(module.gain)]).toEqual([1, 1]);
  expect(() =>
    loadStateDict(
      module,
      new Map([
        ["gain", zeros([2], { dtype: "int32" })],
        ["bias", zeros([2])],
      ]),
    ),
  ).toThrow("different: gain expected float32 [2], got int32 [2]");
});

test("a part that is not trainable is in the state dict but not among the parameters", () => {
  const [weight, table] = [zeros([2]), zeros([3])];
  const module = { weight, position: { trainable: false, inner: { table } } };
  expect([...stateDict(module).keys()]).toEqual(["weight", "position.inner.table"]);
  expect(parameters(module)).toEqual([weight]);
  expect(countParameters({ ...module, position: { ...module.position, trainable: true } })).toBe(5);
});
