import { dataSync, referenceBackend, rng, type Tensor, tensor, useBackend } from "@heed/tensor";
import { beforeEach, expect, test } from "vitest";
import { isEncoderModel, isXlnet, isXlnetWithHeads, StatesHead, XlnetWithHeads, xlnet } from "../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

const config = {
  vocabSize: 11,
  dModel: 8,
  numLayers: 1,
  numHeads: 2,
  dFF: 12,
  head: false,
  initStd: 0.3,
  dropout: 0.4,
};
const make = () =>
  new XlnetWithHeads({
    xlnet: xlnet(config, rng(0)),
    heads: { each: new StatesHead({ tokens: "each" }), last: new StatesHead({ tokens: "last" }) },
  });
const tokens = () =>
  tensor(
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
    { dtype: "int32" },
  );
const values = (x: Tensor): number[] => [...dataSync(x)];

test("heads read the states that the body gives", () => {
  const model = make();
  const segments = tensor(
    [
      [0, 0, 1],
      [0, 1, 1],
    ],
    { dtype: "int32" },
  );
  const { states, each, last } = model.forward(tokens(), { segments });
  expect(values(states)).toEqual(values(model.xlnet.encode(tokens(), { segments })));
  expect(values(each)).toEqual(values(states));
  expect(values(last)).toEqual([...values(states).slice(16, 24), ...values(states).slice(40, 48)]);
  expect([model.vocabSize, model.maxSeqLen]).toEqual([11, Infinity]);
});

test("of mapped places their states", () => {
  const targetMapping = tensor([[[0, 1, 0]], [[1, 0, 0]]]);
  const { states, last } = make().forward(tokens(), { targetMapping });
  expect(states.shape).toEqual([2, 1, 8]);
  expect(values(last)).toEqual(values(states));
});

test("drops by the call's rng", () => {
  const read = (seed?: number) => values(make().forward(tokens(), seed === undefined ? {} : { rng: rng(seed) }).last);
  expect(read()).toEqual(read());
  expect(read(1)).toEqual(read(1));
  expect(read(1)).not.toEqual(read());
});

test("guards tell it from its neighbors", () => {
  const model = make();
  expect([isXlnetWithHeads(model), isXlnet(model), isEncoderModel(model)]).toEqual([true, false, false]);
  expect(isXlnetWithHeads(model.xlnet)).toBe(false);
});
