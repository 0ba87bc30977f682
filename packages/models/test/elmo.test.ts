import { countParameters, parameters, stateDict } from "@heed/nn";
import {
  add,
  assign,
  createMetaBackend,
  createWasmBackend,
  crossEntropy,
  dataSync,
  dispose,
  item,
  multiply,
  normal,
  referenceBackend,
  rng,
  scope,
  subtract,
  type Tensor,
  tensor,
  useBackend,
  valueAndGradients,
  withBackend,
} from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { type Elmo, type ElmoConfig, elmo, elmoCharacters, elmoPresets, isElmo } from "../src/index.ts";
import { naiveElmo } from "./naive-elmo.ts";

const tiny: ElmoConfig = {
  dCharacter: 3,
  filters: [
    { size: 1, dOut: 3 },
    { size: 3, dOut: 4 },
  ],
  numHighways: 1,
  dModel: 4,
  dState: 6,
  numLayers: 2,
  maxCharacters: 8,
};
const sentences = [["one", "more", "word"], ["über"]];
const charactersOf = (words: readonly (readonly string[])[] = sentences, maxCharacters = 8): Tensor =>
  elmoCharacters(words, { maxCharacters });

/** With weights large enough that every part shows. */
function sharp(config: Partial<ElmoConfig> = {}): Elmo {
  const model = elmo({ ...tiny, ...config }, rng(0));
  const source = rng(1);
  scope(() => {
    for (const weight of parameters(model)) assign(weight, normal(weight.shape, { rng: source, std: 0.6 }));
  });
  return model;
}

test.each(Object.entries({ "elmo-original": 93_600_868, "elmo-medium": 28_027_748, "elmo-small": 13_593_316 }))(
  "%s has the published number of parameters",
  (name, numParameters) => {
    const config = elmoPresets[name as keyof typeof elmoPresets];
    const count = (options: ElmoConfig): number =>
      withBackend(createMetaBackend(), () => scope(() => countParameters(elmo(options, rng(0)))));
    expect(count(config)).toBe(numParameters);
    expect(count({ ...config, vocabSize: 100 }) - numParameters).toBe(100 * config.dModel + 100);
  },
);

describe("characters", () => {
  beforeEach(() => void useBackend(referenceBackend()));
  const idsOf = (word: string): number[] => [...dataSync(charactersOf([[word]]))];

  test("bytes between marks, filled up", () => {
    expect(idsOf("ab")).toEqual([259, 98, 99, 260, 261, 261, 261, 261]);
    expect(idsOf("é")).toEqual([259, 0xc3 + 1, 0xa9 + 1, 260, 261, 261, 261, 261]);
    expect(idsOf("sentences")).toEqual([259, ...Array.from("senten", (c) => c.charCodeAt(0) + 1), 260]);
    expect(idsOf("<S>")).toEqual([259, 257, 260, 261, 261, 261, 261, 261]);
    expect(idsOf("</S>")).toEqual([259, 258, 260, 261, 261, 261, 261, 261]);
    expect(idsOf("a\ud800b")).toEqual(idsOf("ab"));
    expect(idsOf("😀")).toEqual([259, 0xf1, 0xa0, 0x99, 0x81, 260, 261, 261]);
  });

  test("shorter sentences end in zeros", () => {
    const x = charactersOf();
    expect(x.shape).toEqual([2, 3, 8]);
    expect([...dataSync(x)].slice(4 * 8)).toEqual(new Array(16).fill(0));
  });
});

const backends = { reference: referenceBackend, wasm: () => createWasmBackend() ?? referenceBackend() };
describe.each(Object.entries(backends))("on %s", (_, make) => {
  beforeEach(() => void useBackend(make()));

  test.each<{ what: string; options: Partial<ElmoConfig> }>([
    { what: "as published", options: { cellClip: 0.5, projectionClip: 0.4 } },
    {
      what: "tanh, no highway, no skip, one layer",
      options: { activation: "tanh", numHighways: 0, skipConnections: false, numLayers: 1 },
    },
    {
      what: "three layers, two mixtures, no skip",
      options: { numLayers: 3, numRepresentations: 2, skipConnections: false },
    },
    {
      what: "normalized layers, two highways",
      options: { normalizeLayers: true, numHighways: 2, numRepresentations: 2 },
    },
  ])("equals loops over numbers: $what", ({ options }) => {
    const model = sharp(options);
    const characters = charactersOf();
    const ids = [...dataSync(characters)];
    const words = sentences.map((row, b) => row.map((_, t) => ids.slice((b * 3 + t) * 8, (b * 3 + t + 1) * 8)));
    const expected = naiveElmo(model, { ...tiny, ...options }, words);
    const { representations, mask } = model.forward(characters);
    expect([...dataSync(mask)].map(Number)).toEqual([1, 1, 1, 1, 0, 0]);
    expect(representations.length).toBe(expected.length);
    expected.forEach((rows, k) => {
      const got = [...dataSync(representations[k]!)].map(Number);
      rows.forEach((sentence, b) => {
        sentence.forEach((row, t) => {
          row.forEach((value, n) => expect(got[(b * 3 + t) * 8 + n]).toBeCloseTo(value, 5));
        });
      });
      expect(got.slice(4 * 8)).toEqual(new Array(16).fill(0));
    });
  });
});

describe("elmo", () => {
  beforeEach(() => void useBackend(referenceBackend()));

  test("a sentence is the same alone as beside a longer one", () => {
    const model = sharp();
    const both = [...dataSync(model.forward(charactersOf()).representations[0]!)].slice(24, 32);
    const alone = [...dataSync(model.forward(charactersOf([["über"]])).representations[0]!)];
    both.forEach((value, n) => expect(alone[n]).toBeCloseTo(value, 6));
  });

  test("a direction does not see what it predicts", () => {
    const model = sharp({ vocabSize: 5 });
    const words = ["a", "b", "c", "d"];
    const logitsOf = (row: string[]) => {
      const { forward, backward } = model.predict(charactersOf([row]));
      return [forward, backward].map((x) => [...dataSync(x)].map(Number));
    };
    const before = logitsOf(words);
    for (let changed = 0; changed < 4; changed++) {
      const after = logitsOf(words.map((word, t) => (t === changed ? "x" : word)));
      const moved = after.map((values, d) =>
        [0, 1, 2, 3, 4, 5].map((t) => [0, 1, 2, 3, 4].some((v) => values[5 * t + v] !== before[d]![5 * t + v])),
      );
      const place = changed + 1; // behind the boundary
      expect(moved[0]).toEqual([0, 1, 2, 3, 4, 5].map((t) => t >= place));
      expect(moved[1]).toEqual([0, 1, 2, 3, 4, 5].map((t) => t <= place));
    }
  });

  test("boundaries are kept where asked; layers hold them", () => {
    const model = sharp();
    const [inner, outer] = [model.forward(charactersOf()), model.forward(charactersOf(), { keepBoundaries: true })];
    const { layers, embeddings, mask } = model.layers(charactersOf());
    expect(layers.map(({ shape }) => shape)).toEqual(new Array(3).fill([2, 5, 8]));
    expect(embeddings.shape).toEqual([2, 5, 4]);
    expect([...dataSync(mask)].map(Number)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    const rows = [...dataSync(outer.representations[0]!)];
    expect(rows.slice(8, 32)).toEqual([...dataSync(inner.representations[0]!)].slice(0, 24));
    expect(rows.slice(48, 56)).toEqual([...dataSync(inner.representations[0]!)].slice(24, 32));
  });

  test("drops only with rng, by its seed", () => {
    for (const options of [{ dropout: 0.3 }, { representationDropout: 0.3 }]) {
      const model = sharp(options);
      const read = (seed?: number) => [
        ...dataSync(model.forward(charactersOf(), seed === undefined ? {} : { rng: rng(seed) }).representations[0]!),
      ];
      expect(read()).toEqual(read());
      expect(read(1)).toEqual(read(1));
      expect(read(1)).not.toEqual(read(2));
      expect(read(1)).not.toEqual(read());
    }
  });

  test("first weights: highways carry, forget gates remember, mixtures average", () => {
    const weights = stateDict(elmo(tiny, rng(0)));
    const valuesOf = (name: string) => [...dataSync(weights.get(name)!)];
    expect(valuesOf("highways.0.gate.bias")).toEqual(new Array(7).fill(2));
    expect(valuesOf("forwardCells.1.recurrent.bias")).toEqual(
      [0, 1, 0, 0].flatMap((value) => new Array(6).fill(value)),
    );
    expect(valuesOf("mixes.0.weights")).toEqual([0, 0, 0]);
    expect(valuesOf("mixes.0.scale")).toEqual([1]);
    expect(weights.has("forwardCells.0.input.bias")).toBe(false);
  });

  test("two language models learn a batch, each from its side", () => {
    useBackend(createWasmBackend() ?? referenceBackend());
    const model = elmo({ ...tiny, vocabSize: 5, dropout: 0.1 }, rng(0));
    const characters = charactersOf([
      ["<S>", "a", "b", "c", "</S>"],
      ["<S>", "c", "a", "b", "</S>"],
    ]);
    const ids = (values: number[][]): Tensor => tensor(values, { dtype: "int32" });
    const next = ids([
      [2, 3, 4, 1, -1],
      [4, 2, 3, 1, -1],
    ]);
    const previous = ids([
      [-1, 0, 2, 3, 4],
      [-1, 0, 4, 2, 3],
    ]);
    const lossOf = (): Tensor => {
      const { forward, backward } = model.predict(characters, { boundaries: false });
      const options = { ignoreIndex: -1 };
      return multiply(add(crossEntropy(forward, next, options), crossEntropy(backward, previous, options)), 0.5);
    };
    const weights = parameters(model);
    let loss = Infinity;
    for (let step = 0; step < 250 && loss > 0.7; step++) {
      const { value, gradients } = valueAndGradients(lossOf, weights);
      scope(() => void weights.forEach((weight, i) => assign(weight, subtract(weight, multiply(gradients[i]!, 1)))));
      if (step === 0) expect(Math.abs(item(value) - Math.log(5))).toBeLessThan(0.5);
      loss = item(value);
      dispose([value, gradients]);
    }
    // From <S> alone, a and c are equally likely to follow, and so before </S>: 4 ln 2 of 16 targets at the least.
    expect(loss).toBeLessThan(0.7);
  });

  test("is told from other models", () => {
    expect([isElmo(sharp()), isElmo({}), isElmo(null)]).toEqual([true, false, false]);
  });

  test.each<{ what: string; run: () => unknown }>([
    { what: "no filters", run: () => elmo({ ...tiny, filters: [] }, null) },
    { what: "a filter longer than a word", run: () => elmo({ ...tiny, filters: [{ size: 9, dOut: 1 }] }, null) },
    { what: "no room for a letter", run: () => elmo({ ...tiny, maxCharacters: 2 }, null) },
    { what: "an unknown key", run: () => elmo({ ...tiny, numWords: 3 } as ElmoConfig, null) },
    { what: "an unknown activation", run: () => elmo({ ...tiny, activation: "gelu" as "relu" }, null) },
    { what: "words of another length", run: () => sharp().forward(charactersOf([["a"]], 9)) },
    { what: "characters that are no ids", run: () => sharp().forward(tensor([[[1, 2, 3]]])) },
    {
      what: "padding before a word",
      run: () => sharp().forward(tensor([[new Array(8).fill(0), new Array(8).fill(5)]], { dtype: "int32" })),
    },
    {
      what: "an id outside the table",
      run: () => sharp().forward(tensor([[new Array(8).fill(262)]], { dtype: "int32" })),
    },
    { what: "predictions without a head", run: () => sharp().predict(charactersOf()) },
    { what: "no words", run: () => elmoCharacters([[]]) },
    { what: "words of two ids", run: () => elmoCharacters([["a"]], { maxCharacters: 2 }) },
  ])("refuses $what", ({ run }) => {
    expect(run).toThrowErrorMatchingSnapshot();
  });
});
