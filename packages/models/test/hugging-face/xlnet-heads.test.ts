import { type JsonObject, memoryFileStore, openWeights } from "@heed/checkpoints";
import { stateDict } from "@heed/nn";
import { dataSync, referenceBackend, rng, tensor, useBackend } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import {
  configFromHuggingFace,
  isXlnetWithHeads,
  loadPretrained,
  modelFromHuggingFace,
  type Pretrained,
  savePretrained,
  type XlnetWithHeads,
} from "../../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

const body: JsonObject = { model_type: "xlnet", vocab_size: 11, d_model: 4, n_layer: 1, n_head: 2, d_inner: 6 };
const jsonOf = (head: string, more: JsonObject = {}): JsonObject => ({
  ...body,
  architectures: [`XLNetFor${head}`],
  initializer_range: 0.5,
  ...more,
});
const make = (json: JsonObject) => {
  const made = modelFromHuggingFace(json, rng(1));
  if (!isXlnetWithHeads(made.model)) throw new TypeError("expected an XLNet with heads");
  return { ...made, model: made.model } as Omit<Pretrained<"xlnet">, "model"> & { model: XlnetWithHeads };
};
const tokens = () =>
  tensor(
    [
      [5, 6, 7],
      [8, 9, 3],
    ],
    { dtype: "int32" },
  );
const weightsOf = (model: object): Record<string, number[]> =>
  Object.fromEntries([...stateDict(model)].map(([name, weight]) => [name, [...dataSync(weight)]]));
/** weight [out, in] and bias times a vector, by loops. */
const layer = (weights: Record<string, number[]>, name: string, x: readonly number[]): number[] =>
  weights[`${name}.bias`]!.map((bias, i) =>
    x.reduce((sum, value, j) => sum + value * weights[`${name}.weight`]![i * x.length + j]!, bias),
  );
const closeTo = (actual: ArrayLike<number>, expected: readonly number[]): void => {
  expect(actual.length).toBe(expected.length);
  Array.from(actual).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
};
/** The states of both texts, [3, 4] each. */
const textsOf = ({ xlnet }: XlnetWithHeads): number[][][] => {
  const states = [...dataSync(xlnet.encode(tokens()))];
  const row = (b: number, t: number) => states.slice((b * 3 + t) * 4, (b * 3 + t + 1) * 4);
  return [0, 1].map((b) => [0, 1, 2].map((t) => row(b, t)));
};

describe("labels of texts", () => {
  const relu = (x: number): number => Math.max(x, 0);
  const mean = (text: number[][]) => text[0]!.map((_, e) => (text[0]![e]! + text[1]![e]! + text[2]![e]!) / 3);
  const cases: { keys: JsonObject; pick: (text: number[][]) => number[]; activation?: (x: number) => number }[] = [
    { keys: {}, pick: (text) => text[2]!, activation: Math.tanh },
    { keys: { summary_type: "first" }, pick: (text) => text[0]!, activation: Math.tanh },
    { keys: { summary_type: "mean", summary_activation: "relu" }, pick: mean, activation: relu },
    { keys: { summary_type: "cls_index", summary_activation: "" }, pick: (text) => text[2]!, activation: (x) => x },
    { keys: { summary_use_proj: false, summary_activation: null }, pick: (text) => text[2]! },
  ];
  test.each(cases)("$keys: what is read, a layer, scores", ({ keys, pick, activation }) => {
    const { model } = make(jsonOf("SequenceClassification", { num_labels: 3, ...keys }));
    const weights = weightsOf(model);
    const expected = textsOf(model).flatMap((text) => {
      const read = pick(text);
      const summary = activation ? layer(weights, "heads.classes.dense", read).map(activation) : read;
      return layer(weights, "heads.classes.out", summary);
    });
    closeTo(dataSync(model.forward(tokens())["classes"]!), expected);
  });

  test("rates of the summary are its own", () => {
    const read = (keys: JsonObject) => configFromHuggingFace(jsonOf("SequenceClassification", keys));
    expect(read({})).toMatchObject({ heads: { classes: { dropoutBefore: 0, dropout: 0.1 } }, head: false });
    const own = { summary_first_dropout: 0.2, summary_last_dropout: 0.3 };
    expect(read(own)).toMatchObject({ heads: { classes: { dropoutBefore: 0.2, dropout: 0.3 } } });
  });
});

test.each<{ head: string; name: string; out: number; keys: JsonObject }>([
  { head: "TokenClassification", name: "tags", out: 5, keys: { num_labels: 5 } },
  { head: "QuestionAnsweringSimple", name: "span", out: 2, keys: {} },
])("$head: every state is scored", ({ head, name, out, keys }) => {
  const { model } = make(jsonOf(head, keys));
  const weights = weightsOf(model);
  const found = model.forward(tokens())[name]!;
  expect(found.shape).toEqual([2, 3, out]);
  closeTo(
    dataSync(found),
    textsOf(model).flatMap((text) => text.flatMap((x) => layer(weights, `heads.${name}.out`, x))),
  );
});

const summary: JsonObject = { summary_type: "mean", summary_activation: "gelu", summary_first_dropout: 0.2 };
const plain: JsonObject = { summary_use_proj: false, summary_activation: "", num_labels: 1 };
test.each<{ head: string; keys: JsonObject; layers: string[] }>([
  { head: "SequenceClassification", keys: {}, layers: ["logits_proj", "sequence_summary.summary"] },
  { head: "SequenceClassification", keys: summary, layers: ["logits_proj", "sequence_summary.summary"] },
  { head: "SequenceClassification", keys: plain, layers: ["logits_proj"] },
  { head: "TokenClassification", keys: { num_labels: 3 }, layers: ["classifier"] },
  { head: "QuestionAnsweringSimple", keys: {}, layers: ["qa_outputs"] },
])("$head $keys: written and read again, bit for bit", async ({ head, keys, layers }) => {
  const store = memoryFileStore();
  const before = make(jsonOf(head, keys));
  await savePretrained(store, "out", before);
  const after = await loadPretrained(store, "out");
  expect([after.architecture, after.config]).toEqual([`XLNetFor${head}`, before.config]);
  expect(weightsOf(after.model)).toEqual(weightsOf(before.model));
  await savePretrained(store, "again", after);
  for (const file of ["config.json", "model.safetensors"])
    expect(await store.read(`again/${file}`)).toEqual(await store.read(`out/${file}`));
  const files = await openWeights(store, "out");
  const outside = [...files.entries.keys()].filter((name) => !name.startsWith("transformer."));
  await files.close();
  expect(outside.sort()).toEqual(layers.flatMap((each) => [`${each}.bias`, `${each}.weight`]));
});

test("a pretrained folder opens with a new head, and without it again", async () => {
  const store = memoryFileStore();
  await savePretrained(store, "pretrained", modelFromHuggingFace(body, rng(2)));
  const architecture = "XLNetForSequenceClassification";
  await expect(loadPretrained(store, "pretrained", { architecture })).rejects.toThrow("Give newWeights");
  const tuned = await loadPretrained(store, "pretrained", {
    ...{ architecture, config: { num_labels: 4 }, newWeights: rng(3) },
  });
  expect([tuned.fresh?.length, tuned.unused]).toEqual([4, ["lm_loss.bias"]]);
  await savePretrained(store, "tuned", tuned);
  const again = await loadPretrained(store, "tuned");
  expect(again.architecture).toBe(architecture);
  expect(weightsOf(again.model)).toEqual(weightsOf(tuned.model));
  expect((await loadPretrained(store, "tuned", { architecture: "XLNetModel" })).unused).toHaveLength(4);
});

test.each<{ what: string; json: JsonObject }>([
  { what: "a summary by attention", json: jsonOf("SequenceClassification", { summary_type: "attn" }) },
  { what: "a summary that nobody knows", json: jsonOf("SequenceClassification", { summary_type: "middle" }) },
  { what: "an activation without its layer", json: jsonOf("SequenceClassification", { summary_use_proj: false }) },
  { what: "a summary of labels", json: jsonOf("SequenceClassification", { summary_proj_to_labels: true }) },
  { what: "a rate above 1", json: jsonOf("SequenceClassification", { summary_last_dropout: 2 }) },
  { what: "answers with three ends", json: jsonOf("QuestionAnsweringSimple", { num_labels: 3 }) },
])("refuses $what", ({ json }) => {
  expect(() => configFromHuggingFace(json)).toThrowErrorMatchingSnapshot();
});

test("a head of no class is not written", async () => {
  const { model, config } = make(jsonOf("TokenClassification"));
  const strange = { modelType: "xlnet", model, config: { ...config, heads: { words: { tokens: "each", out: 3 } } } };
  await expect(
    savePretrained(memoryFileStore(), "out", strange as unknown as Pretrained),
  ).rejects.toThrowErrorMatchingInlineSnapshot(
    `[RangeError: savePretrained: heads of xlnet are of no class, expected one of classes, tags, span, got words. Name the head as they do]`,
  );
});
