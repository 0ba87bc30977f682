import { memoryFileStore, readWeights } from "@heed/checkpoints";
import { createLinear, normalInit, stateDict } from "@heed/nn";
import {
  assign,
  createWasmBackend,
  crossEntropy,
  dataSync,
  fromArray,
  item,
  multiply,
  referenceBackend,
  rng,
  subtract,
  type Tensor,
  tensor,
  useBackend,
  valueAndGradients,
} from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type Gpt2Config,
  gpt2,
  isDecoder,
  isSequenceClassifier,
  lastToken,
  loadPretrained,
  meanOfTokens,
  type Pretrained,
  type PretrainedOf,
  SequenceClassifier,
  savePretrained,
} from "../src/index.ts";

const tiny: Gpt2Config = { vocabSize: 11, maxSeqLen: 8, dModel: 8, numLayers: 1, numHeads: 2 };
const ids = (rows: readonly (readonly number[])[]): Tensor =>
  fromArray(Int32Array.from(rows.flat()), [rows.length, rows[0]!.length]);
const make = (padTokenId?: number, numLabels = 3): SequenceClassifier =>
  new SequenceClassifier({
    stack: gpt2({ ...tiny, initStd: 0.3 }, rng(1)).stack,
    score: createLinear({ dIn: 8, dOut: numLabels, weight: normalInit({ std: 0.5, rng: rng(2) }) }),
    pool: lastToken({ padTokenId }),
  });
const closeTo = (actual: ArrayLike<number>, expected: ArrayLike<number>) => {
  expect(actual.length).toBe(expected.length);
  Array.from(actual).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
};

describe.each([
  ["reference", referenceBackend],
  ["default", () => createWasmBackend() ?? referenceBackend()],
] as const)("on the %s backend", (_, backend) => {
  beforeEach(() => void useBackend(backend()));

  /** [2, 4, 2]: row b, place t holds 10 b + t and its negative. */
  const states = () =>
    fromArray(Float32Array.from([0, 1, 2, 3, 10, 11, 12, 13].flatMap((value) => [value, -value])), [2, 4, 2]);
  const places = (tokens: readonly (readonly number[])[], padTokenId?: number, padding?: Tensor): number[] =>
    Array.from(dataSync(lastToken({ padTokenId })(states(), ids(tokens), { padding }))).filter((_, i) => i % 2 === 0);

  test("the last token that is no padding, whichever side it stands on", () => {
    // right, left, in between, at both sides; none; all
    expect(
      places(
        [
          [5, 6, 0, 0],
          [0, 0, 7, 8],
        ],
        0,
      ),
    ).toEqual([1, 13]);
    expect(
      places(
        [
          [5, 0, 6, 0],
          [0, 7, 0, 0],
        ],
        0,
      ),
    ).toEqual([2, 11]);
    expect(
      places(
        [
          [5, 6, 7, 8],
          [0, 0, 0, 0],
        ],
        0,
      ),
    ).toEqual([3, 10]);
  });

  test("without a pad token, what the padding of a call says", () => {
    const padding = tensor(
      [
        [1, 1, 1, 0],
        [0, 1, 0, 0],
      ],
      { dtype: "bool" },
    );
    expect(
      places(
        [
          [0, 0, 0, 0],
          [0, 0, 0, 0],
        ],
        undefined,
        padding,
      ),
    ).toEqual([2, 11]);
    // A pad token is what counts where there is one, as in the original.
    expect(
      places(
        [
          [5, 6, 0, 0],
          [0, 0, 7, 8],
        ],
        0,
        padding,
      ),
    ).toEqual([1, 13]);
    expect(() =>
      places([
        [0, 0, 0, 0],
        [0, 0, 0, 0],
      ]),
    ).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: lastToken: tokens has 2 rows, expected 1 where neither padTokenId nor padding says which tokens are real. Give the classifier a padTokenId]`,
    );
  });

  test("the mean of all", () => {
    expect([...dataSync(meanOfTokens()(states(), ids([[0], [0]]), {}))]).toEqual([1.5, -1.5, 11.5, -11.5]);
  });

  test("a padded row scores as it does alone", () => {
    const model = make(0);
    const alone = dataSync(model.forward(ids([[3, 1, 4]])));
    const padded = model.forward(
      ids([
        [3, 1, 4, 0, 0],
        [5, 9, 2, 6, 5],
      ]),
    );
    expect(padded.shape).toEqual([2, 3]);
    closeTo(dataSync(padded).slice(0, 3), alone);
    const left = ids([[0, 0, 3, 1, 4]]);
    const padding = tensor([[0, 0, 1, 1, 1]], { dtype: "bool" });
    const positions = ids([[0, 0, 0, 1, 2]]);
    closeTo(dataSync(model.forward(left, { padding, positions })), alone);
    // One row without a pad token: its last token.
    closeTo(dataSync(make().forward(ids([[3, 1, 4]]))), alone);
  });
});

describe("in folders", () => {
  beforeEach(() => void useBackend(referenceBackend()));
  const tokens = () =>
    ids([
      [3, 1, 4, 0],
      [5, 9, 2, 6],
    ]);

  test("a language model becomes a classifier, is trained, saved and opened again", async () => {
    const store = memoryFileStore();
    const language: Pretrained<"gpt2"> = { modelType: "gpt2", config: tiny, model: gpt2(tiny, rng(3)) };
    await savePretrained(store, "language", language);
    const loaded = await loadPretrained(store, "language", {
      modelType: "gpt2",
      architecture: "GPT2ForSequenceClassification",
      config: { num_labels: 3, pad_token_id: 0 },
      newWeights: rng(4),
    });
    expect(loaded.fresh).toEqual(["score.weight"]);
    expect(loaded.config.classes).toEqual({ numLabels: 3, padTokenId: 0 });
    const { model } = loaded;
    if (!isSequenceClassifier(model)) throw new TypeError("expected a classifier");
    expect(isDecoder(model)).toBe(false);
    expect(model.numLabels).toBe(3);
    expect([model.vocabSize, model.maxSeqLen]).toEqual([11, 8]);
    // The stack is that of the language model.
    const states = (language.model as ReturnType<typeof gpt2>).encode(tokens());
    expect([...dataSync(model.stack.forward(tokens()))]).toEqual([...dataSync(states)]);

    const weights = [...stateDict(model).values()];
    const labels = fromArray(Int32Array.of(2, 0), [2]);
    const loss = () => crossEntropy(model.forward(tokens()), labels);
    const before = item(loss());
    const { gradients } = valueAndGradients(loss, weights);
    weights.forEach((weight, i) => void assign(weight, subtract(weight, multiply(gradients[i]!, 0.05))));
    expect(item(loss())).toBeLessThan(before);

    await savePretrained(store, "classifier", loaded);
    expect([...(await readWeights(store, "classifier")).keys()]).toContain("score.weight");
    const again = await loadPretrained(store, "classifier");
    expect(again.architecture).toBe("GPT2ForSequenceClassification");
    expect([...dataSync((again.model as SequenceClassifier).forward(tokens()))]).toEqual([
      ...dataSync(model.forward(tokens())),
    ]);
  });

  test("made here: names of labels and the pad token are written, two labels need no names", async () => {
    for (const [numLabels, names] of [
      [2, undefined],
      [1, { "0": "LABEL_0" }],
      [3, { "0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2" }],
    ] as const) {
      const store = memoryFileStore();
      const config = { ...tiny, tieHead: true, classes: { numLabels, padTokenId: 5 } };
      const made: PretrainedOf<"gpt2"> = { modelType: "gpt2", config, model: make(5, numLabels) };
      await savePretrained(store, "out", made);
      const json = JSON.parse(new TextDecoder().decode(await store.read("out/config.json"))) as Record<string, unknown>;
      expect(json.architectures).toEqual(["GPT2ForSequenceClassification"]);
      expect(json.id2label).toEqual(names);
      expect(json.pad_token_id).toBe(5);
      expect((await loadPretrained(store, "out")).config).toMatchObject(config);
    }
  });
});
