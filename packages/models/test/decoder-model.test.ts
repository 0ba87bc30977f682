import { stateDict } from "@heed/nn";
import {
  assign,
  createWasmBackend,
  dataSync,
  fromArray,
  referenceBackend,
  rng,
  type Tensor,
  useBackend,
} from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { type DecoderConfig, type DecoderPresetName, decoderModel, decoderPresets } from "../src/index.ts";
import { type ModelTraits, modelContract, traceModel } from "../src/testing.ts";
import { type NaiveChoices, naiveLogits } from "./naive-decoder.ts";

const sizes = { vocabSize: 11, maxSeqLen: 12, dModel: 16, numLayers: 2, numHeads: 4, dFF: 24 } as const;

/** One configuration in the manner of each family. */
const manners = {
  gpt: { ...sizes, positions: { kind: "learned" }, placement: "post", finalNorm: false, activation: "gelu_new" },
  gptNeo: {
    ...{ ...sizes, positions: { kind: "learned" }, projection: "separate", attentionBias: false, outputBias: true },
    ...{ scale: 1, windows: [null, 3] },
  },
  gptNeox: {
    ...{ ...sizes, positions: { kind: "rotary", width: 2 }, branches: "parallel with two norms", tieHead: false },
  },
  gptj: {
    ...{ ...sizes, positions: { kind: "rotary", layout: "interleaved", width: 2 }, branches: "parallel" },
    ...{ projection: "separate", attentionBias: false, tieHead: false, headBias: true },
  },
  phi: {
    ...{ ...sizes, positions: { kind: "rotary", width: 2 }, branches: "parallel", projection: "separate" },
    ...{ numKvHeads: 2, headNorm: true, tieHead: false, headBias: true },
  },
  falcon: {
    ...{ ...sizes, positions: { kind: "rotary" }, numKvHeads: 1, branches: "parallel", attentionBias: false },
    feedForwardBias: false,
  },
  opt: {
    ...{ ...sizes, positions: { kind: "learned", offset: 2 }, projection: "separate", activation: "relu" },
    // Wider first weights: with four small ones in a row, dropout would change the loss by less than its last digit.
    ...{ dEmbedding: 8, placement: "post", finalNorm: false, initStd: 0.1 },
  },
  bloom: { ...sizes, positions: { kind: "alibi" }, embeddingNorm: true },
  mpt: {
    ...{ ...sizes, positions: { kind: "alibi", order: "mpt" }, norm: "layer without bias", attentionBias: false },
    ...{ feedForwardBias: false, clip: 0.5 },
  },
  bloomBehindNorms: {
    ...{ ...sizes, positions: { kind: "alibi" }, embeddingNorm: true, placement: "normalized residual" },
    initStd: 0.05,
  },
  imageGpt: {
    ...{ ...sizes, positions: { kind: "learned" }, norm: "rms", activation: "quick_gelu", tieHead: false },
    ...{ scaleByLayer: true, smallBranchEnds: true },
  },
} as const satisfies Readonly<Record<string, DecoderConfig>>;

/**
 * `num_parameters()` of the published models under transformers, in which a tied head counts once.
 * That of falcon-7b is also what PEFT prints for it, those of the adapters taken off.
 */
const published: Record<DecoderPresetName, number> = {
  "openai-gpt": 116_534_784,
  "gpt-neo-125m": 125_198_592,
  "gpt-neo-1.3b": 1_315_575_808,
  "gpt-neo-2.7b": 2_651_307_520,
  "pythia-70m": 70_426_624,
  "pythia-160m": 162_322_944,
  "pythia-410m": 405_334_016,
  "gpt-neox-20b": 20_554_567_680,
  "gpt-j-6b": 6_050_882_784,
  "phi-1": 1_418_270_720,
  "phi-2": 2_779_683_840,
  "falcon-7b": 6_921_720_704,
  "falcon-40b": 41_303_293_952,
  "opt-125m": 125_239_296,
  "opt-350m": 331_196_416,
  "bloom-560m": 559_214_592,
  "mpt-7b": 6_649_286_656,
  "imagegpt-small": 76_682_240,
  "imagegpt-medium": 455_489_536,
  "imagegpt-large": 1_362_914_304,
};

const traitsOf = (config: DecoderConfig, presets: ModelTraits["presets"] = {}): ModelTraits => ({
  make: (source) => decoderModel({ ...config, residualDropout: 0.1, attentionDropout: 0.1 }, source),
  vocabSize: config.vocabSize,
  maxSeqLen: config.maxSeqLen,
  presets,
  learningRate: 0.5,
});

const presets = Object.fromEntries(
  Object.entries(decoderPresets).map(([name, config]) => [
    name,
    { build: () => decoderModel(config, rng(0)), numParameters: published[name as DecoderPresetName] },
  ]),
);

for (const [name, config] of Object.entries(manners)) {
  describe(`contract in the manner of ${name}`, () => {
    beforeEach(() => void useBackend(createWasmBackend() ?? referenceBackend()));
    const traits = {
      ...traitsOf(config, name === "gpt" ? presets : {}),
      // Norms on the stream itself make steps larger.
      ...(name === "bloomBehindNorms" && { learningRate: 0.4 }),
    };
    for (const { name, run } of modelContract(traits)) test(name, run);
  });
}

describe("against a loop over numbers", () => {
  beforeEach(() => void useBackend(referenceBackend()));

  const gelu = (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  const relu = (x: number): number => Math.max(0, x);
  const usual = { numHeads: 4, numKvHeads: 4, scale: 0.5, epsilon: 1e-5, order: "pre", activation: gelu } as const;
  const cases: Record<string, { readonly config: DecoderConfig; readonly choices: NaiveChoices }> = {
    "the original GPT": { config: manners.gpt, choices: { ...usual, order: "post" } },
    "side by side with ALiBi and one key head": {
      config: { ...manners.falcon, positions: { kind: "alibi", factor: 0.5 }, activation: "relu", normEpsilon: 0.1 },
      choices: {
        ...{ ...usual, numKvHeads: 1, epsilon: 0.1, order: "parallel", activation: relu },
        bias: (head, distance) => -distance * [1 / 4, 1 / 16, 1 / 64, 1 / 256][head]! * 0.5,
      },
    },
    "two norms, groups, windows and another scale": {
      config: {
        ...{ ...sizes, positions: { kind: "learned" }, branches: "parallel with two norms", numKvHeads: 2 },
        ...{ windows: [2, null], scale: 1 },
      },
      choices: { ...usual, numKvHeads: 2, scale: 1, order: "parallel with two norms", windows: [2, null] },
    },
    "side by side, neighboring channels turned, a head with a bias": {
      config: { ...manners.gptj, positions: { ...manners.gptj.positions, base: 100, width: 4 }, dModel: 24 },
      choices: {
        ...{ ...usual, scale: 1 / Math.sqrt(6), order: "parallel" },
        rotate: (x, position) => {
          const turn = (a: number, b: number, angle: number): number[] => [
            a * Math.cos(angle) - b * Math.sin(angle),
            b * Math.cos(angle) + a * Math.sin(angle),
          ];
          return [...turn(x[0]!, x[1]!, position), ...turn(x[2]!, x[3]!, position / 10), ...x.slice(4)];
        },
      },
    },
    "one after the other": { config: { ...sizes, positions: { kind: "learned" } }, choices: usual },
  };
  for (const [name, { config, choices }] of Object.entries(cases)) {
    test(name, () => {
      const model = decoderModel({ ...config, initStd: 0.4 }, rng(3));
      const tokens = [1, 4, 10, 0, 7, 7, 2];
      const logits = [...dataSync(model.forward(fromArray(Int32Array.from(tokens), [1, tokens.length])))];
      const expected = naiveLogits(model, tokens, choices).flat();
      expect(logits.length).toBe(expected.length);
      const error = Math.max(...logits.map((value, i) => Math.abs(value - expected[i]!)));
      expect(error).toBeLessThan(2e-5);
      expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.5);
    });
  }
});

describe("decoderModel", () => {
  beforeEach(() => void useBackend(referenceBackend()));

  test("the kernels of a forward and backward pass stay what they are", () => {
    expect(traceModel(traitsOf(manners.falcon)).join("\n")).toMatchSnapshot();
  });

  test("each option makes its weights", () => {
    const names = (config: DecoderConfig): string[] => [
      ...stateDict(decoderModel({ ...config, numLayers: 1 }, null)).keys(),
    ];
    const without = (config: DecoderConfig, part: RegExp) => names(config).filter((name) => part.test(name));
    expect(without(manners.gpt, /norm/)).toEqual(
      ["norm1.gain", "norm1.bias", "norm2.gain", "norm2.bias"].map((name) => `stack.blocks.0.${name}`),
    );
    expect(without({ ...manners.gptNeo, windows: [3] }, /attention.*bias/)).toEqual([
      "stack.blocks.0.attention.output.bias",
    ]);
    expect(without(manners.phi, /head|projection.(query|key).(gain|bias)/)).toEqual([
      ...["projection.query.bias", "projection.key.bias", "query.gain", "query.bias", "key.gain", "key.bias"].map(
        (name) => `stack.blocks.0.attention.projection.${name}`,
      ),
      ...["head.weight", "head.bias"],
    ]);
    expect(without(manners.falcon, /norm2|linear|Forward.*bias|projection.*bias/)).toEqual([]);
    expect(without(manners.opt, /head|tokens/)).toMatchInlineSnapshot(`
      [
        "stack.embedding.tokens.table.weight",
        "stack.embedding.tokens.projection.weight",
      ]
    `);
    expect(without(manners.mpt, /bias/)).toEqual([]);
  });

  test("a tied head may have a bias of its own", () => {
    const model = decoderModel({ ...manners.gpt, headBias: true }, rng(1));
    const dict = stateDict(model);
    expect(dict.get("head.weight")).toBe(dict.get("stack.embedding.tokens.weight"));
    const logits = (): number[] => [...dataSync(model.forward(fromArray(Int32Array.of(3), [1, 1])))];
    const before = logits();
    assign(
      dict.get("head.bias")!,
      fromArray(
        Float32Array.from({ length: 11 }, (_, i) => i),
        [11],
      ),
    );
    logits().forEach((value, i) => expect(value).toBeCloseTo(before[i]! + i, 5));
  });

  test("one branch may be dropped more than the other", () => {
    const kept = (change: Partial<DecoderConfig>): number => {
      const config = { ...manners.gpt, placement: "pre", activation: "linear", initStd: 0.5, ...change } as const;
      const x = fromArray(Int32Array.of(3), [1, 1]);
      const model = decoderModel({ ...config, numLayers: 1 }, rng(1));
      const [plain, dropped] = [model.forward(x), model.forward(x, { rng: rng(2) })].map((y) => [...dataSync(y)]);
      return Math.max(...plain!.map((value, i) => Math.abs(value - dropped![i]!)));
    };
    expect(kept({ residualDropout: 0, feedForwardDropout: 0 })).toBe(0);
    expect(kept({ residualDropout: 0, feedForwardDropout: 0.5 })).toBeGreaterThan(0.1);
    expect(kept({ residualDropout: 0.5, feedForwardDropout: 0 })).toBeGreaterThan(0.1);
  });

  test("a window hides what is further away", () => {
    const ids = (...values: number[]): Tensor => fromArray(Int32Array.from(values), [1, values.length]);
    const last = (windows: readonly (number | null)[], ...values: number[]): number[] => {
      const model = decoderModel({ ...manners.gptNeo, windows, initStd: 0.3 }, rng(1));
      return [...dataSync(model.forward(ids(...values), { lastOnly: true }))];
    };
    expect(last([2, 2], 1, 2, 3, 4)).toEqual(last([2, 2], 9, 2, 3, 4));
    expect(last([2, 2], 1, 2, 3, 4)).not.toEqual(last([2, 2], 1, 9, 3, 4));
    expect(last([null, 2], 1, 2, 3, 4)).not.toEqual(last([null, 2], 9, 2, 3, 4));
  });

  test("options that do not fit are refused", () => {
    const messageOf = (change: object): string => {
      try {
        decoderModel({ ...manners.gpt, ...change }, null);
        return "built";
      } catch (error) {
        return String(error);
      }
    };
    expect(
      [
        ...[{ numHeads: 3 }, { numKvHeads: 3 }, { windows: [2] }, { windows: [2, 0] }, { scale: Number.NaN }],
        ...[{ activation: "gelu3" }, { positions: { kind: "none" } }, { positions: undefined }, { numExperts: 8 }],
        ...[{ branches: "both" }, { placement: "sandwich" }, { norm: "batch" }, { tieHead: 1 }, { initStd: -1 }],
        ...[{ positions: { kind: "alibi", rounding: "float16" } }, { positions: { kind: "alibi", order: "bloom" } }],
        ...[{ positions: { kind: "alibi", order: "mpt", rounding: "bfloat16" } }, { feedForwardDropout: -1 }],
        ...[{ positions: { kind: "rotary", width: 3 } }, { attentionDropout: 1 }, { paddingId: 11 }],
      ].map(messageOf),
    ).toMatchInlineSnapshot(`
      [
        "RangeError: decoderModel: numHeads does not divide the width, expected a divisor of dModel=16, got 3",
        "RangeError: FusedProjection: numKvHeads is wrong, expected a divisor of numHeads=4, got 3",
        "RangeError: decoderModel: windows has 1 entries, expected 2 (from numLayers)",
        "RangeError: slidingWindow: windowSize is out of range, expected a whole number >= 1, got 0",
        "RangeError: decoderModel: scale is out of range, expected a finite number, got NaN",
        "RangeError: decoderModel: activation is out of range, expected one of gelu, gelu_python, gelu_new, gelu_fast, gelu_accurate, gelu_pytorch_tanh, quick_gelu, leaky_relu, linear, mish, relu, relu2, relu6, silu, swish, sigmoid, tanh, got gelu3",
        "RangeError: decoderModel: positions.kind is unknown, expected learned, rotary or alibi, got none",
        "RangeError: decoderModel: positions.kind is unknown, expected learned, rotary or alibi, got undefined",
        "RangeError: decoderModel: config has an unknown key, expected one of vocabSize, maxSeqLen, dModel, numLayers, numHeads, numKvHeads, dFF, dEmbedding, headSize, paddingId, embeddingDropout, attentionDropout, residualDropout, feedForwardDropout, normEpsilon, initStd, clip, embeddingNorm, finalNorm, headNorm, attentionBias, outputBias, feedForwardBias, tieHead, headBias, scaleByLayer, smallBranchEnds, activation, projection, branches, placement, norm, got numExperts",
        "RangeError: decoderModel: branches is out of range, expected one of sequential, parallel, parallel with two norms, got both",
        "RangeError: decoderModel: placement is out of range, expected one of pre, post, normalized residual, got sandwich",
        "RangeError: decoderModel: norm is out of range, expected one of layer, layer without bias, plain layer, rms, got batch",
        "RangeError: decoderModel: tieHead is out of range, expected true or false, got 1",
        "RangeError: decoderModel: initStd is out of range, expected a finite number >= 0, got -1",
        "RangeError: decoderModel: positions.rounding is unknown, expected bfloat16, got float16",
        "RangeError: decoderModel: positions.order is unknown, expected paper or mpt, got bloom",
        "RangeError: decoderModel: positions.order does not go with rounding, expected paper, got mpt. No model rounds MPT's slopes",
        "RangeError: decoderModel: feedForwardDropout is out of range, expected a probability in [0, 1), got -1",
        "RangeError: rotary: width is out of range, expected an even number >= 2, got 3. Channels turn in pairs",
        "RangeError: decoderModel: attentionDropout is out of range, expected a probability in [0, 1), got 1",
        "RangeError: Embedding: paddingId is out of range, expected a whole number in 0..10 (from weight [11, 16]), got 11",
      ]
    `);
  });
});
