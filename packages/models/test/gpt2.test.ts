import { and, causal, padding } from "@heed/attention";
import { parameters, stateDict } from "@heed/nn";
import {
  countBuffers,
  createWasmBackend,
  dataSync,
  fromArray,
  mean,
  multiply,
  referenceBackend,
  rng,
  scope,
  type Tensor,
  tensor,
  useBackend,
} from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { type Gpt2Config, type Gpt2PresetName, gpt2, gpt2Presets } from "../src/index.ts";
import { type ModelTraits, modelContract, traceModel } from "../src/testing.ts";

const tiny: Gpt2Config = { vocabSize: 11, maxSeqLen: 12, dModel: 16, numLayers: 2, numHeads: 2 };

/** Radford et al. 2019 as published on the model hub; nanoGPT's two by its own arithmetic, positions included. */
const published: Record<Gpt2PresetName, number> = {
  gpt2: 124_439_808,
  "gpt2-medium": 354_823_168,
  "gpt2-large": 774_030_080,
  "gpt2-xl": 1_557_611_200,
  "nanogpt-cpu": 804_096,
  "nanogpt-baby": 10_745_088,
};

const traits: ModelTraits = {
  make: (source) => gpt2({ ...tiny, embeddingDropout: 0.1, attentionDropout: 0.1, residualDropout: 0.1 }, source),
  vocabSize: tiny.vocabSize,
  maxSeqLen: tiny.maxSeqLen,
  presets: Object.fromEntries(
    Object.entries(gpt2Presets).map(([name, config]) => [
      name,
      { build: () => gpt2(config, rng(0)), numParameters: published[name as Gpt2PresetName] },
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

describe("gpt2", () => {
  beforeEach(() => void useBackend(referenceBackend()));

  const ids = (values: number[][]): Tensor => tensor(values, { dtype: "int32" });
  const closeTo = (actual: ArrayLike<number>, expected: ArrayLike<number>, digits = 5) => {
    expect(actual.length).toBe(expected.length);
    Array.from(actual).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, digits));
  };

  test("the kernels of a forward and backward pass stay what they are", () => {
    expect(traceModel(traits).join("\n")).toMatchSnapshot();
  });

  test("first weights have the spread of GPT-2: smaller where a residual branch ends", () => {
    const model = gpt2({ ...tiny, dModel: 64, numLayers: 8 }, rng(0));
    const spread = (x: Tensor): number => Math.sqrt(dataSync(mean(multiply(x, x)))[0]!);
    const state = stateDict(model);
    expect(spread(state.get("stack.blocks.3.attention.projection.qkv.weight")!)).toBeCloseTo(0.02, 3);
    expect(spread(state.get("stack.blocks.3.attention.output.weight")!)).toBeCloseTo(0.02 / 4, 3);
    expect(spread(state.get("stack.blocks.3.feedForward.contract.weight")!)).toBeCloseTo(0.02 / 4, 3);
    expect(spread(state.get("stack.embedding.position.table")!)).toBeCloseTo(0.02, 2);
    expect(dataSync(state.get("stack.blocks.3.norm1.gain")!).every((value) => value === 1)).toBe(true);
    expect(dataSync(state.get("stack.blocks.3.attention.projection.qkv.bias")!).every((value) => value === 0)).toBe(
      true,
    );
    expect(parameters(gpt2(tiny, null)).filter((x) => dataSync(x).some((value) => value !== 0 && value !== 1))).toEqual(
      [],
    );
  });

  test("decoding with the cache, in pieces of any length, equals one pass", () => {
    const model = gpt2({ ...tiny, initStd: 0.3 }, rng(1));
    const rows = [
      [3, 1, 4, 1, 5, 9, 2, 6],
      [2, 7, 1, 8, 2, 8, 1, 8],
    ];
    const whole = dataSync(model.forward(ids(rows)));
    const cache = model.createCache();
    const V = tiny.vocabSize;
    for (const [from, to] of [
      [0, 3],
      [3, 4],
      [4, 6],
      [6, 8],
    ] as const) {
      const part = dataSync(model.forward(ids(rows.map((row) => row.slice(from, to))), { cache }));
      const expected = [0, 1].flatMap((b) => [...whole.slice((b * 8 + from) * V, (b * 8 + to) * V)]);
      closeTo(part, expected);
    }
    expect(cache.length).toBe(8);
    cache.dispose();
  });

  test("a left-padded row gives what it gives alone, in one pass and step by step", () => {
    const model = gpt2({ ...tiny, initStd: 0.3 }, rng(2));
    const row = [3, 1, 4, 1, 5];
    const alone = dataSync(model.forward(ids([row])));
    const tokens = ids([
      [0, 0, ...row],
      [2, 7, 1, 8, 2, 8, 1],
    ]);
    const positions = ids([
      [0, 0, 0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4, 5, 6],
    ]);
    const visible = tensor(
      [
        [0, 0, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 1, 1, 1],
      ],
      { dtype: "bool" },
    );
    const mask = and(causal(), padding(visible));
    const V = tiny.vocabSize;
    closeTo(dataSync(model.forward(tokens, { positions, mask })).slice(2 * V, 7 * V), alone);
    const cache = model.createCache();
    model.forward(tokens, { positions, mask, cache });
    const next = dataSync(model.forward(ids([[9], [0]]), { positions: ids([[5], [7]]), mask, cache }));
    closeTo(next.slice(0, V), dataSync(model.forward(ids([[...row, 9]]))).slice(5 * V));
    cache.dispose();
  });

  test("lastOnly gives the last row of the logits", () => {
    const model = gpt2({ ...tiny, initStd: 0.3 }, rng(3));
    const all = dataSync(
      model.forward(
        ids([
          [1, 2, 3],
          [4, 5, 6],
        ]),
      ),
    );
    const last = model.forward(
      ids([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      { lastOnly: true },
    );
    expect(last.shape).toEqual([2, 1, 11]);
    closeTo(dataSync(last), [...all.slice(22, 33), ...all.slice(55, 66)], 6);
  });

  test("options change what they say", () => {
    const logits = (config: Partial<Gpt2Config>): number[] =>
      Array.from(dataSync(gpt2({ ...tiny, initStd: 0.5, ...config }, rng(4)).forward(ids([[1, 2, 3]]))));
    const base = logits({});
    for (const config of [
      { activation: "relu" },
      { scaleScores: false },
      { scaleScoresByLayer: true },
      { tieHead: false },
      { layerNormEpsilon: 1 },
      { dFF: 8 },
    ] as const) {
      expect(logits(config), JSON.stringify(config)).not.toEqual(base);
    }
    closeTo(logits({ bias: false }), base, 6);
    expect([...stateDict(gpt2({ ...tiny, bias: false }, null)).keys()].filter((name) => name.endsWith("bias"))).toEqual(
      [],
    );
    expect(stateDict(gpt2({ ...tiny, tieHead: false }, null)).get("head.weight")!.shape).toEqual([11, 16]);
  });

  test("observing shows hidden states and probs, and does not change the result", () => {
    const model = gpt2({ ...tiny, initStd: 0.3 }, rng(5));
    const hidden: number[] = [];
    const sums: number[] = [];
    const tokens = ids([[1, 2, 3, 4]]);
    const logits = scope(() =>
      model.forward(tokens, {
        observe: {
          hiddenState: (index, x) => void hidden.push(index, ...x.shape),
          attention: (layer, { probs }) =>
            void sums.push(
              layer,
              Array.from(dataSync(probs)).reduce((a, b) => a + b, 0),
            ),
        },
      }),
    );
    expect(hidden).toEqual([0, 1, 4, 16, 1, 1, 4, 16, 2, 1, 4, 16]);
    closeTo(sums, [0, 8, 1, 8], 5);
    closeTo(dataSync(logits), dataSync(model.forward(tokens)), 5);
  });

  test("a forward pass in a scope leaves only its result", () => {
    const model = gpt2(tiny, rng(6));
    const tokens = ids([[1, 2, 3]]);
    const before = countBuffers().buffers;
    const logits = scope(() => model.forward(tokens));
    expect(countBuffers().buffers).toBe(before + 1);
    logits.dispose();
  });

  test("names what does not fit", () => {
    const refuse = (config: object) => expect(() => gpt2({ ...tiny, ...config } as Gpt2Config, null));
    refuse({ numHeads: 3 }).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: gpt2: numHeads does not divide the width, expected a divisor of dModel=16, got 3]`,
    );
    refuse({ dModel: 0 }).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: gpt2: dModel is out of range, expected a whole number >= 1, got 0]`,
    );
    refuse({ residualDropout: 1 }).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: gpt2: residualDropout is out of range, expected a probability in [0, 1), got 1]`,
    );
    refuse({ activation: "gleu" }).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: gpt2: activation is out of range, expected one of gelu, gelu_python, gelu_new, gelu_fast, gelu_accurate, gelu_pytorch_tanh, quick_gelu, leaky_relu, linear, mish, relu, relu2, relu6, silu, swish, sigmoid, tanh, got gleu]`,
    );
    refuse({ nLayers: 2 }).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: gpt2: config has an unknown key, expected one of vocabSize, maxSeqLen, dModel, numLayers, numHeads, dFF, embeddingDropout, attentionDropout, residualDropout, layerNormEpsilon, initStd, bias, tieHead, scaleScores, scaleScoresByLayer, activation, got nLayers]`,
    );
    refuse({ initStd: -1 }).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: gpt2: initStd is out of range, expected a finite number >= 0, got -1]`,
    );
    const model = gpt2(tiny, null);
    expect(() => model.forward(ids([new Array<number>(13).fill(0)]))).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: Stack: tokens has T=13, expected at most 12 in all (maxSeqLen). Shorten the text or build a model with a longer context]`,
    );
    expect(() => model.forward(ids([[0, 11]]))).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: Embedding: ids has 11 at place 1, expected 0..10 (from a vocabulary of 11). Use the tokenizer the model was trained with]`,
    );
    expect(() => model.forward(fromArray([0], [1, 1]))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: Stack: tokens has dtype float32, expected int32. Use cast]`,
    );
    expect(() => model.forward(tensor([0], { dtype: "int32" }))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: Stack: tokens has rank 1 in shape [1], expected 2 axes [B, T]]`,
    );
    expect(() => model.forward(ids([[0, 1]]), { positions: ids([[0]]) })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: Stack: positions has shape [1, 1], expected [T] or [B, T] (from tokens [1, 2])]`,
    );
    const cache = model.createCache();
    model.forward(ids([new Array<number>(12).fill(0)]), { cache });
    expect(() => model.forward(ids([[0]]), { cache })).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: Stack: tokens has T=1 after 12 in the cache, expected at most 12 in all (maxSeqLen). Shorten the text or build a model with a longer context]`,
    );
    cache.dispose();
  });
});
