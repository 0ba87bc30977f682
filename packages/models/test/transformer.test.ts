import { loadStateDict, stateDict } from "@heed/nn";
import {
  createMetaBackend,
  createWasmBackend,
  dataSync,
  referenceBackend,
  rng,
  type Tensor,
  tensor,
  useBackend,
  withBackend,
} from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import {
  bart,
  type TransformerConfig,
  type TransformerPresetName,
  transformer,
  transformerPresets,
} from "../src/index.ts";
import { type ModelTraits, modelContract, traceModel } from "../src/testing.ts";
import { PairModel } from "./pair-model.ts";

const tiny: TransformerConfig = { vocabSize: 11, dModel: 16, numLayers: 1, numHeads: 2, dFF: 32, maxSeqLen: 12 };

/** Vaswani et al. 2017, table 3, say 65 M and 213 M; to the digit by the formula in the docstring. */
const published: Record<TransformerPresetName, number> = { base: 63_045_632, big: 214_171_648 };

const traits: ModelTraits = {
  make: (source) =>
    new PairModel(transformer({ ...tiny, dropout: 0.1, attentionDropout: 0.1, activationDropout: 0.1 }, source)),
  vocabSize: tiny.vocabSize,
  maxSeqLen: tiny.maxSeqLen!,
  learningRate: 0.1,
  // Logits of normed states and embeddings of standard deviation 1 / sqrt(E) have variance 1, which costs about 1/2.
  initialLossMargin: 1,
  presets: Object.fromEntries(
    Object.entries(transformerPresets).map(([name, config]) => [
      name,
      { build: () => transformer(config, rng(0)), numParameters: published[name as TransformerPresetName] },
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

describe("transformer", () => {
  beforeEach(() => void useBackend(referenceBackend()));

  const ids = (values: number[][]): Tensor => tensor(values, { dtype: "int32" });

  test("the kernels of a forward and backward pass stay what they are", () => {
    expect(traceModel(traits).join("\n")).toMatchSnapshot();
  });

  test.each<{ options: Partial<TransformerConfig>; more: number }>([
    { options: {}, more: 0 },
    { options: { attentionBias: true }, more: 12 * 3 * 8 },
    { options: { preNorm: true }, more: 4 * 8 },
    { options: { sourceVocabSize: 20 }, more: 20 * 8 },
    { options: { tieHead: false }, more: 30 * 8 },
  ])("has the parameters of the formula with $options", ({ options, more }) => {
    const [V, E, F, N] = [30, 8, 20, 3];
    const config = { vocabSize: V, dModel: E, dFF: F, numLayers: N, numHeads: 2, ...options };
    const weights = new Set(stateDict(withBackend(createMetaBackend(), () => transformer(config, rng(0)))).values());
    const count = [...weights].reduce((sum, { size }) => sum + size, 0);
    expect(count).toBe(V * E + N * (12 * E * E + 4 * E * F + 2 * F + 12 * E) + more);
  });

  // bart is held to the fixtures of Marian and BART; the norms of mBART and Pegasus stand before their branches.
  test.each([false, true])("is a Marian where the choices are the same (preNorm %s)", (preNorm) => {
    const sizes = { numLayers: 2, numHeads: 2, dFF: 20 };
    const shared = { vocabSize: 11, dModel: 8, preNorm, activation: "silu" } as const;
    const original = transformer(
      { ...shared, ...sizes, attentionBias: true, sinusoids: "concatenated", layerNormEpsilon: 1e-5 },
      rng(3),
    );
    const marian = bart(
      {
        ...shared,
        ...{ maxSeqLen: 12, encoder: sizes, decoder: sizes, initStd: 0.5 },
        ...{ positions: "sinusoidal", embeddingNorm: false, scaleEmbedding: true, logitsBias: false },
      },
      rng(4),
    );
    const state = stateDict(marian);
    state.delete("head.weight");
    loadStateDict(original, state);
    const pair = { source: ids([[3, 1, 4, 1, 5]]), target: ids([[0, 2, 7, 1]]) };
    const expected = dataSync(marian.forward(pair));
    dataSync(original.forward(pair)).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
  });

  test("the first weights are those of the paper's code", () => {
    const state = stateDict(transformer({ ...tiny, dModel: 64, dFF: 96 }, rng(0)));
    const values = (name: string): Float32Array => dataSync<"float32">(state.get(name)!);
    const limit = Math.sqrt(6 / (64 + 96));
    const largest = Math.max(...values("encoder.blocks.0.feedForward.expand.weight").map(Math.abs));
    expect(largest).toBeLessThanOrEqual(limit);
    expect(largest).toBeGreaterThan(0.99 * limit);
    const embedding = values("encoder.embedding.tokens.weight");
    const variance = embedding.reduce((sum, x) => sum + x * x, 0) / embedding.length;
    // 704 draws: three standard deviations of a variance are 3 sqrt(2 / 704) of it
    expect(Math.abs(variance * 64 - 1)).toBeLessThan(3 * Math.sqrt(2 / 704));
    expect(state.get("decoder.embedding.tokens.weight")).toBe(state.get("encoder.embedding.tokens.weight"));
    expect(values("encoder.blocks.0.norm1.gain").every((value) => value === 1)).toBe(true);
    expect(values("encoder.blocks.0.feedForward.expand.bias").every((value) => value === 0)).toBe(true);
  });

  test.each<{ config: object; what: string }>([
    { config: { ...tiny, numHeads: 3 }, what: "heads that do not divide" },
    { config: { ...tiny, dModel: 15, numHeads: 3 }, what: "an odd width" },
    { config: { ...tiny, dropout: 1 }, what: "dropout of 1" },
    { config: { ...tiny, numLayers: 0 }, what: "no layers" },
    { config: { ...tiny, sinusoids: "learned" }, what: "an unknown choice" },
    { config: { ...tiny, preNorm: 1 }, what: "a flag that is none" },
    { config: { ...tiny, maxLength: 5 }, what: "an unknown key" },
    { config: { ...tiny, layerNormEpsilon: Number.NaN }, what: "an epsilon that is no number" },
  ])("refuses $what", ({ config }) => {
    expect(() => transformer(config as TransformerConfig, rng(0))).toThrowErrorMatchingSnapshot();
  });
});
