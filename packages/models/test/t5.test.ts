import { parameters, stateDict } from "@heed/nn";
import {
  assign,
  createWasmBackend,
  dataSync,
  referenceBackend,
  rng,
  type Tensor,
  tensor,
  useBackend,
} from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { type T5Config, type T5PresetName, t5, t5Encoder, t5Presets } from "../src/index.ts";
import { type ModelTraits, modelContract, traceModel } from "../src/testing.ts";
import { PairModel } from "./pair-model.ts";

const tiny: T5Config = { vocabSize: 11, dModel: 16, numHeads: 2, dHead: 6, dFF: 32, numLayers: 1, numDecoderLayers: 2 };

/** As published on the model hub. */
const published: Record<T5PresetName, number> = {
  "t5-small": 60_506_624,
  "t5-base": 222_903_552,
  "t5-large": 737_668_096,
};

const traits: ModelTraits = {
  make: (source) => new PairModel(t5({ ...tiny, maxSeqLen: 12, dropout: 0.1, initFactor: 0.2 }, source)),
  vocabSize: tiny.vocabSize,
  maxSeqLen: 12,
  presets: Object.fromEntries(
    Object.entries(t5Presets).map(([name, config]) => [
      name,
      { build: () => t5(config, rng(0)), numParameters: published[name as T5PresetName] },
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

describe("t5", () => {
  beforeEach(() => void useBackend(referenceBackend()));

  const ids = (values: number[][]): Tensor => tensor(values, { dtype: "int32" });

  test("the kernels of a forward and backward pass stay what they are", () => {
    expect(traceModel(traits).join("\n")).toMatchSnapshot();
  });

  test("v1.1 has gates and a head of its own", () => {
    const old = stateDict(t5(tiny, null));
    const names = [...stateDict(t5({ ...tiny, gated: true, tieHead: false }, null)).keys()];
    expect(names.filter((name) => !old.has(name))).toEqual([
      "encoder.blocks.0.feedForward.gate.weight",
      "decoder.blocks.0.feedForward.gate.weight",
      "decoder.blocks.1.feedForward.gate.weight",
    ]);
    expect(old.get("head.weight")).toBe(old.get("encoder.embedding.tokens.weight"));
    const spread = (x: Tensor): number =>
      Math.sqrt(dataSync<"float32">(x).reduce((sum, value) => sum + value * value, 0) / x.size);
    const drawn = stateDict(t5({ ...tiny, dModel: 64, dFF: 128, numHeads: 4, dHead: 16 }, rng(0)));
    expect(spread(drawn.get("decoder.blocks.1.attention.projection.query.weight")!) * 32).toBeCloseTo(1, 1);
    expect(spread(drawn.get("decoder.blocks.1.attention.projection.key.weight")!) * 8).toBeCloseTo(1, 1);
    expect(spread(drawn.get("decoder.blocks.1.feedForward.contract.weight")!) * Math.sqrt(128)).toBeCloseTo(1, 1);
  });

  test("any length: positions are distances", () => {
    const model = t5({ ...tiny, maxDistance: 20, numBuckets: 8 }, rng(0));
    const long = Array.from({ length: 300 }, (_, i) => i % 11);
    expect(model.forward({ source: ids([long]), target: ids([[0, 1]]) }).shape).toEqual([1, 2, 11]);
  });

  test("its encoder alone gives the states of the whole", () => {
    const whole = t5(tiny, rng(0));
    const encoder = t5Encoder(tiny, rng(1));
    const weights = stateDict(whole);
    for (const [name, weight] of stateDict(encoder)) assign(weight, weights.get(name)!);
    const tokens = ids([[1, 2, 3]]);
    expect([...dataSync(encoder.forward(tokens))]).toEqual([...dataSync(whole.encode(tokens))]);
    expect(parameters(encoder).length).toBeLessThan(parameters(whole).length);
    const dropped = t5Encoder({ ...tiny, dropout: 0.5 }, rng(1));
    const zeroes = dataSync(dropped.forward(tokens, { rng: rng(2) })).filter((value) => value === 0).length;
    expect(zeroes).toBeGreaterThan(10);
  });

  test.each<{ config: object; what: string }>([
    { config: { ...tiny, dHead: undefined, numHeads: 3 }, what: "heads that do not divide" },
    { config: { ...tiny, gated: "gelu" }, what: "a flag that is none" },
    { config: { ...tiny, activation: "gated-gelu" }, what: "an unknown activation" },
    { config: { ...tiny, numBuckets: 3 }, what: "an odd number of buckets" },
    { config: { ...tiny, dropout: -0.1 }, what: "negative dropout" },
    { config: { ...tiny, dropoutRate: 0.1 }, what: "an unknown key" },
  ])("refuses $what", ({ config }) => {
    expect(() => t5(config as T5Config, rng(0))).toThrowErrorMatchingSnapshot();
  });
});
