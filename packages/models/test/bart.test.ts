import { parameters, stateDict } from "@heed/nn";
import {
  assign,
  createWasmBackend,
  crossEntropy,
  dataSync,
  fromArray,
  item,
  referenceBackend,
  rng,
  sum,
  type Tensor,
  tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { type BartConfig, type BartPresetName, bart, bartPresets } from "../src/index.ts";
import { type ModelTraits, modelContract, traceModel } from "../src/testing.ts";
import { PairModel } from "./pair-model.ts";

const sizes = { numLayers: 1, numHeads: 2, dFF: 24 };
const tiny: BartConfig = { vocabSize: 11, maxSeqLen: 12, dModel: 16, encoder: sizes, decoder: { ...sizes, dFF: 40 } };

/** As published on the model hub; the values added to logits are no parameters there, here they stand in the state. */
const published: Record<BartPresetName, number> = {
  "bart-base": 139_420_416 + 50_265,
  "bart-large": 406_291_456 + 50_265,
};

const traits: ModelTraits = {
  make: (source) =>
    new PairModel(bart({ ...tiny, dropout: 0.1, attentionDropout: 0.1, activationDropout: 0.1 }, source)),
  vocabSize: tiny.vocabSize,
  maxSeqLen: tiny.maxSeqLen,
  presets: Object.fromEntries(
    Object.entries(bartPresets).map(([name, config]) => [
      name,
      { build: () => bart(config, rng(0)), numParameters: published[name as BartPresetName] },
    ]),
  ),
};

const backends = { reference: referenceBackend, wasm: () => createWasmBackend() ?? referenceBackend() };
for (const [name, make] of Object.entries(backends)) {
  describe(`contract on ${name}`, () => {
    beforeEach(() => void useBackend(make()));
    for (const { name, run } of modelContract(traits)) test(name, run);
  });
}

describe("bart", () => {
  beforeEach(() => void useBackend(referenceBackend()));

  const ids = (values: number[][]): Tensor => tensor(values, { dtype: "int32" });
  const pair = () => ({ source: ids([[1, 2, 3]]), target: ids([[4, 5]]) });

  test("the kernels of a forward and backward pass stay what they are", () => {
    expect(traceModel(traits).join("\n")).toMatchSnapshot();
  });

  test("what is added to logits is fixed: it counts, and is not trained", () => {
    const model = bart(tiny, rng(0));
    const bias = stateDict(model).get("head.fixedBias")!;
    const before = dataSync(model.forward(pair())).slice();
    assign(
      bias,
      fromArray(
        Float32Array.from({ length: 11 }, (_, i) => i),
        [11],
      ),
    );
    dataSync(model.forward(pair())).forEach((value, i) => expect(value).toBeCloseTo(before[i]! + (i % 11), 5));
    const { gradients } = valueAndGradients(() => crossEntropy(model.forward(pair()), ids([[1, 2]])), { bias });
    expect([...dataSync(gradients.bias)].every((value) => value === 0)).toBe(true);
    expect(stateDict(bart({ ...tiny, logitsBias: false }, null)).has("head.fixedBias")).toBe(false);
  });

  test("source and target may have vocabularies of their own", () => {
    const model = bart({ ...tiny, targetVocabSize: 7 }, rng(0));
    expect([model.encoder.vocabSize, model.vocabSize, model.forward(pair()).shape.at(-1)]).toEqual([11, 7, 7]);
    const state = stateDict(model);
    expect(state.get("head.weight")).toBe(state.get("decoder.embedding.tokens.weight"));
    const untied = parameters(bart({ ...tiny, tieHead: false }, null)).length;
    expect(untied).toBe(parameters(bart(tiny, null)).length + 1);
  });

  test("the padding token is not trained where it is looked up", () => {
    const model = bart({ ...tiny, paddingId: 2, tieHead: false, initStd: 0.5 }, rng(0));
    const table = model.encoder.embedding.tokens.weight;
    const { value, gradients } = valueAndGradients(() => sum(model.forward(pair())), { table });
    expect(Number.isFinite(item(value))).toBe(true);
    const rowOf = (id: number): number[] => [...dataSync(gradients.table).slice(id * 16, (id + 1) * 16)];
    expect(rowOf(2).every((x) => x === 0)).toBe(true);
    expect(rowOf(3).some((x) => x !== 0)).toBe(true);
  });

  test.each<{ config: object; what: string }>([
    { config: { ...tiny, encoder: { ...sizes, numHeads: 3 } }, what: "heads that do not divide" },
    { config: { ...tiny, decoder: { numLayers: 1, numHeads: 2 } }, what: "a stack without a size" },
    { config: { ...tiny, encoder: undefined }, what: "no encoder" },
    { config: { ...tiny, positions: "rotary" }, what: "other positions" },
    { config: { ...tiny, paddingId: 11 }, what: "a padding token outside the vocabulary" },
    { config: { ...tiny, numLayers: 2 }, what: "an unknown key" },
  ])("refuses $what", ({ config }) => {
    expect(() => bart(config as BartConfig, rng(0))).toThrowErrorMatchingSnapshot();
  });
});
