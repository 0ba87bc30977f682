import { countParameters, parameters, stateDict } from "@heed/nn";
import {
  assign,
  createWasmBackend,
  dataSync,
  multiply,
  referenceBackend,
  rng,
  scope,
  sum,
  type Tensor,
  tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type BertConfig,
  type BertPresetName,
  bert,
  bertPresets,
  type EncoderModel,
  type StackOptions,
} from "../src/index.ts";
import { type LanguageModel, type ModelTraits, modelContract, traceModel } from "../src/testing.ts";
import { naiveBert } from "./naive-bert.ts";

const words = (dModel: number) =>
  ({ tokens: "each", dense: { dOut: dModel, activation: "gelu" }, norm: true, out: "vocabulary" }) as const;
const tiny: BertConfig = { vocabSize: 11, maxSeqLen: 12, dModel: 16, numLayers: 2, numHeads: 2, dFF: 32 };

/** Of the public checkpoints. */
const published: Record<BertPresetName, number> = {
  "bert-base": 109_482_240,
  "bert-large": 335_141_888,
  "roberta-base": 124_645_632,
  "roberta-large": 355_359_744,
  "distilbert-base": 66_362_880,
  "electra-small": 13_483_008,
  "electra-base": 108_891_648,
  "albert-base": 11_683_584,
  "albert-large": 17_683_968,
};

/** The scores of the head over the vocabulary alone. */
class MaskedModel implements LanguageModel {
  readonly model: EncoderModel;

  constructor(model: EncoderModel) {
    this.model = model;
  }

  forward(tokens: Tensor, options: StackOptions = {}): Tensor {
    return this.model.forward(tokens, options)["words"]!;
  }
}

const traits: ModelTraits = {
  make: (source) =>
    new MaskedModel(bert({ ...tiny, dropout: 0.1, attentionDropout: 0.1, heads: { words: words(16) } }, source)),
  vocabSize: tiny.vocabSize,
  maxSeqLen: tiny.maxSeqLen,
  presets: Object.fromEntries(
    Object.entries(bertPresets).map(([name, config]) => [
      name,
      { build: () => bert(config, rng(0)), numParameters: published[name as BertPresetName] },
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

const dense = { dOut: 16, activation: "tanh" } as const;
const ids = (values: number[][]): Tensor => tensor(values, { dtype: "int32" });
const values = (x: Tensor): number[] => [...dataSync<"float32">(x)];

/** Weights far from the flat first ones, so that a part left out shows. */
function shaken(config: BertConfig): EncoderModel {
  const model = bert({ ...config, initStd: 0.4 }, rng(1));
  const source = rng(2);
  for (const [name, x] of stateDict(model))
    if (/(gain|bias)$/.test(name))
      scope(() =>
        assign(x, tensor(Array.from({ length: x.size }, () => source.next() + (name.endsWith("gain") ? 0.5 : -0.5)))),
      );
  return model;
}

const farthest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

/** Something whose gradient does not vanish behind a norm. */
function cubes(states: Tensor): Tensor {
  return multiply(states, multiply(states, states));
}

describe("bert", () => {
  beforeEach(() => void useBackend(referenceBackend()));

  test("the kernels of a forward and backward pass stay what they are", () => {
    expect(traceModel(traits).join("\n")).toMatchSnapshot();
  });

  const tokens = [
    [1, 5, 3, 9, 0, 0],
    [2, 4, 4, 7, 8, 1],
  ];
  const segments = [
    [0, 0, 1, 1, 1, 1],
    [0, 1, 1, 1, 0, 0],
  ];
  const keep = [
    [true, true, true, true, false, false],
    [true, true, true, true, true, true],
  ];

  test.each<Partial<BertConfig>>([
    {},
    { activation: "relu", layerNormEpsilon: 0.1, numHeads: 4 },
    { positions: "relative" },
    { positions: "relative-both", causal: true },
    { causal: true, paddingId: 0, countRealTokens: true },
    { dEmbedding: 6, sharing: { numGroups: 1, layersPerGroup: 2 } },
  ])("equals a naive loop over values with %j", (given) => {
    const config = { ...tiny, ...given, heads: { pooled: { tokens: "first", dense } } } as const;
    const model = shaken(config);
    const { states, pooled } = model.forward(ids(tokens), {
      segments: ids(segments),
      padding: tensor(keep, { dtype: "bool" }),
    });
    tokens.forEach((row, b) => {
      const weights = new Map([...stateDict(model)].map(([name, x]) => [name, { shape: x.shape, values: values(x) }]));
      const expected = naiveBert(weights, config, { tokens: row, segments: segments[b]!, keep: keep[b]! });
      expect(farthest(expected.states.flat(), values(states).slice(b * 96, (b + 1) * 96))).toBeLessThan(2e-5);
      expect(farthest(expected.pooled, values(pooled!).slice(b * 16, (b + 1) * 16))).toBeLessThan(2e-5);
    });
  });

  test("a causal one sees earlier tokens only, whatever their positions", () => {
    const model = shaken({ ...tiny, causal: true });
    const positions = ids([[5, 4, 3, 2, 1, 0]]);
    const states = (row: number[]) => values(model.encode(ids([row]), { positions }));
    const [one, other] = [states([1, 2, 3, 4, 5, 6]), states([1, 2, 3, 4, 7, 8])];
    expect(one.slice(0, 64)).toEqual(other.slice(0, 64));
    expect(one.slice(64, 80)).not.toEqual(other.slice(64, 80));
    const both = shaken(tiny);
    const first = (row: number[]) => values(both.encode(ids([row]))).slice(0, 16);
    expect(first([1, 2, 3, 4, 5, 6])).not.toEqual(first([1, 2, 3, 4, 7, 8]));
  });

  test("padding that is not hidden counts no position, and trains none", () => {
    const model = shaken({ ...tiny, paddingId: 1, countRealTokens: true });
    expect(stateDict(model).get("encoder.embedding.position.table")!.shape).toEqual([14, 16]);
    const row = (list: number[]) => values(model.positions!(ids([list]), 0));
    expect(row([7, 1, 8, 1, 1, 9])).toEqual([2, 1, 3, 1, 1, 4]);
    expect(row([1, 1, 5])).toEqual([1, 1, 2]);
    expect(values(model.positions!(ids([[7, 1, 8]]), 4))).toEqual([6, 1, 7]);
    const table = stateDict(model).get("encoder.embedding.position.table")!;
    const tokenTable = model.encoder.embedding.tokens.weight;
    const { gradients } = valueAndGradients(() => {
      const states = model.encode(ids([[7, 1, 8, 1]]));
      return sum(cubes(states));
    }, [table, tokenTable]);
    const isTrained = (x: Tensor) =>
      Array.from({ length: x.shape[0]! }, (_, i) =>
        values(x)
          .slice(i * 16, (i + 1) * 16)
          .some((value) => value !== 0),
      );
    expect(isTrained(gradients[0]!).flatMap((is, i) => (is ? [i] : []))).toEqual([2, 3]);
    expect(isTrained(gradients[1]!).flatMap((is, i) => (is ? [i] : []))).toEqual([7, 8]);
  });

  test.each<Partial<BertConfig>>([{}, { paddingId: 1, countRealTokens: true }, { positions: "relative-both" }])(
    "a causal one reads token by token what it reads at once, with %j",
    (given) => {
      const model = shaken({ ...tiny, ...given, causal: true });
      const row = [3, 4, 5, 6];
      const cache = model.encoder.createCache();
      const steps = row.flatMap((token) => values(model.encode(ids([[token]]), { cache })));
      expect(farthest(steps, values(model.encode(ids([row]))))).toBeLessThan(1e-5);
    },
  );

  test("layers of a group share their weights", () => {
    const shared = bert({ ...tiny, numLayers: 4, sharing: { numGroups: 2, layersPerGroup: 2 } }, rng(0));
    const { blocks } = shared.encoder;
    expect(blocks).toHaveLength(8);
    expect([...new Set(blocks)].map((block) => blocks.indexOf(block))).toEqual([0, 1, 4, 5]);
    const alone = bert({ ...tiny, numLayers: 4 }, rng(0));
    expect(countParameters(shared)).toBe(countParameters(alone));
    expect(new Set(parameters(shared)).size).toBe(parameters(shared).length);
  });

  test("groups divide as Python's floats do", () => {
    // int(i / (18 / 14)) for i in range(18): the tenth layer is of group 6, though 9 * 14 / 18 is 7.
    const { blocks } = bert({ ...tiny, numLayers: 18, sharing: { numGroups: 14, layersPerGroup: 1 } }, rng(0)).encoder;
    const distinct = [...new Set(blocks)];
    const groups = blocks.map((block) => distinct.indexOf(block));
    expect(groups).toEqual([0, 0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 10, 10, 11, 12, 13]);
  });

  test("a head over the vocabulary is the token embedding, or its own", () => {
    const heads = { words: words(16) };
    const tied = stateDict(bert({ ...tiny, heads }, rng(0)));
    expect(tied.get("heads.words.out.weight")).toBe(tied.get("encoder.embedding.tokens.weight"));
    const own = stateDict(bert({ ...tiny, heads, tieHead: false }, rng(0)));
    expect(own.get("heads.words.out.weight")!.shape).toEqual([11, 16]);
    expect(own.get("heads.words.out.weight")).not.toBe(own.get("encoder.embedding.tokens.weight"));
  });

  test("no table of segments, no segments", () => {
    const model = bert({ ...tiny, numSegments: 0 }, rng(0));
    expect(() => model.forward(ids([[1, 2]]), { segments: ids([[0, 0]]) })).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: InputEmbedding: segments is given, expected none: there is no table of segments. Build the layer with one]`,
    );
  });
});

describe("bert refuses", () => {
  beforeEach(() => void useBackend(referenceBackend()));

  test.each<{ config: object }>([
    { config: { dModel: 0 } },
    { config: { numHeads: 3 } },
    { config: { activation: "gelu2" } },
    { config: { positions: "rotary" } },
    { config: { dropout: 1 } },
    { config: { paddingId: 11 } },
    { config: { countRealTokens: true } },
    { config: { hiddenSize: 8 } },
    { config: { sharing: { numGroups: 3, layersPerGroup: 1 } } },
    { config: { heads: { tags: { tokens: "last", out: 3 } } } },
    { config: { heads: { tags: { tokens: "each", out: 0 } } } },
    { config: { heads: { tags: { tokens: "each", dense: { dOut: 4, activation: "sinus" } } } } },
  ])("$config", ({ config }) => {
    expect(() => bert({ ...tiny, ...config } as BertConfig, rng(0))).toThrowErrorMatchingSnapshot();
  });
});
