import { type JsonObject, memoryFileStore, type NamedArray, openWeights, writeWeights } from "@heed/checkpoints";
import { stateDict } from "@heed/nn";
import { dataSync, referenceBackend, rng, type Tensor, tensor, useBackend } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import {
  configFromHuggingFace,
  EncoderDecoder,
  type EncoderDecoderModel,
  isEncoderDecoderModel,
  loadPretrained,
  modelFromHuggingFace,
  type Pretrained,
  savePretrained,
} from "../../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

const bartKeys: JsonObject = {
  ...{ vocab_size: 11, max_position_embeddings: 9, d_model: 8, init_std: 0.3 },
  ...{ encoder_layers: 1, encoder_attention_heads: 2, encoder_ffn_dim: 12 },
  ...{ decoder_layers: 1, decoder_attention_heads: 2, decoder_ffn_dim: 12 },
};
const t5Keys: JsonObject = {
  ...{ vocab_size: 11, d_model: 8, d_ff: 12, num_heads: 2, d_kv: 3, num_layers: 1, relative_attention_num_buckets: 4 },
  ...{ pad_token_id: 1, eos_token_id: 2, decoder_start_token_id: 2, initializer_factor: 0.7 },
};
const families: readonly { name: string; modelType: string; keys: JsonObject }[] = [
  { name: "Bart", modelType: "bart", keys: bartKeys },
  { name: "MBart", modelType: "mbart", keys: bartKeys },
  { name: "T5", modelType: "t5", keys: t5Keys },
  { name: "MT5", modelType: "mt5", keys: t5Keys },
];
const jsonOf = (name: string, more: JsonObject = {}, head = "SequenceClassification"): JsonObject => {
  const { modelType, keys } = families.find((family) => family.name === name)!;
  return { model_type: modelType, architectures: [`${name}For${head}`], ...keys, ...more };
};
const make = (json: JsonObject, seed = 1) => {
  const made = modelFromHuggingFace(json, rng(seed));
  if (!isEncoderDecoderModel(made.model)) throw new TypeError("expected an encoder-decoder with heads");
  return { ...made, model: made.model } as Pretrained & { model: EncoderDecoderModel };
};
const ids = (rows: readonly (readonly number[])[]): Tensor => tensor(rows as number[][], { dtype: "int32" });
const weightsOf = (model: object): Record<string, number[]> =>
  Object.fromEntries([...stateDict(model)].map(([name, weight]) => [name, [...dataSync(weight)]]));

/** Two texts with their end token, the second padded. */
const source = [
  [5, 6, 7, 8, 2],
  [9, 4, 2, 1, 1],
];
const padding = () => tensor(source.map((row) => row.map((id) => Number(id !== 1))) as number[][], { dtype: "bool" });
/** What the decoders read of them: mBART starts with the last token, which is the start token of the others. */
const target = [
  [2, 5, 6, 7, 8],
  [2, 9, 4, 2, 1],
];

/** weight [out, in] and bias times a vector, by loops. */
const layer = (weights: Record<string, number[]>, name: string, x: readonly number[]): number[] =>
  weights[`${name}.bias`]!.map((bias, i) =>
    x.reduce((sum, value, j) => sum + value * weights[`${name}.weight`]![i * x.length + j]!, bias),
  );

describe.each(families)("$name", ({ name, modelType }) => {
  /** States of the decoder, [2, 5, 8], of a target written out. */
  const statesOf = ({ encoder, decoder }: EncoderDecoderModel): number[] => {
    const pair = new EncoderDecoder({ encoder, decoder, head: { forward: (x) => x } });
    return [...dataSync(pair.forward({ source: ids(source), target: ids(target) }, { sourcePadding: padding() }))];
  };

  test("labels are scored from the state of the last end token", () => {
    const { model } = make(jsonOf(name, { num_labels: 3 }));
    const { classes } = model.forward(ids(source), { sourcePadding: padding() });
    const [states, weights] = [statesOf(model), weightsOf(model)];
    const expected = [4, 5 + 2].flatMap((place) => {
      const dense = layer(weights, "heads.classes.dense", states.slice(place * 8, place * 8 + 8));
      return layer(weights, "heads.classes.out", dense.map(Math.tanh));
    });
    [...dataSync(classes!)].forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
    expect(classes!.shape).toEqual([2, 3]);
  });

  test("the ends of an answer are scored from every state", () => {
    const { model } = make(jsonOf(name, {}, "QuestionAnswering"));
    const { span } = model.forward(ids(source), { sourcePadding: padding() });
    const [states, weights] = [statesOf(model), weightsOf(model)];
    const expected = Array.from({ length: 10 }, (_, place) =>
      layer(weights, "heads.span.out", states.slice(place * 8, place * 8 + 8)),
    ).flat();
    [...dataSync(span!)].forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
    expect(span!.shape).toEqual([2, 5, 2]);
  });

  test.each<{ head: string; keys: JsonObject }>([
    { head: "SequenceClassification", keys: { num_labels: 1, classifier_dropout: 0.25 } },
    { head: "SequenceClassification", keys: { num_labels: 4, eos_token_id: 3 } },
    { head: "QuestionAnswering", keys: { num_labels: 2 } },
  ])("$head $keys: written and read again, bit for bit", async ({ head, keys }) => {
    const store = memoryFileStore();
    const before = make(jsonOf(name, keys, head));
    await savePretrained(store, "out", before);
    const after = await loadPretrained(store, "out");
    expect(after.architecture).toBe(`${name}For${head}`);
    expect(after.config).toEqual(before.config);
    expect(weightsOf(after.model)).toEqual(weightsOf(before.model));
    await savePretrained(store, "again", after);
    for (const file of ["config.json", "model.safetensors"])
      expect(await store.read(`again/${file}`)).toEqual(await store.read(`out/${file}`));
    const files = await openWeights(store, "out");
    const heads = [...files.entries.keys()].filter((key) => /^(classification_head|qa_outputs)\./.test(key));
    await files.close();
    const layers =
      head === "QuestionAnswering" ? ["qa_outputs"] : ["dense", "out_proj"].map((l) => `classification_head.${l}`);
    expect(heads.sort()).toEqual(layers.flatMap((each) => [`${each}.bias`, `${each}.weight`]));
  });

  test("a pretrained folder opens with a new head, and without it again", async () => {
    const store = memoryFileStore();
    const json = jsonOf(name, {}, "ConditionalGeneration");
    await savePretrained(store, "pretrained", modelFromHuggingFace(json, rng(2)));
    const architecture = `${name}ForSequenceClassification`;
    await expect(loadPretrained(store, "pretrained", { architecture })).rejects.toThrow(
      "missing: classification_head.dense.weight, classification_head.dense.bias, classification_head.out_proj.weight, classification_head.out_proj.bias. Give newWeights",
    );
    const config = { num_labels: 5 };
    const tuned = await loadPretrained(store, "pretrained", { architecture, config, newWeights: rng(3) });
    expect(tuned.fresh).toHaveLength(4);
    expect(stateDict(tuned.model).get("heads.classes.out.weight")!.shape).toEqual([5, 8]);
    await savePretrained(store, "tuned", tuned);
    const again = await loadPretrained(store, "tuned");
    expect([again.modelType, again.architecture]).toEqual([modelType, architecture]);
    expect(weightsOf(again.model)).toEqual(weightsOf(tuned.model));
    const bare = await loadPretrained(store, "tuned", { architecture: `${name}Model` });
    expect(bare.unused).toHaveLength(4);
  });
});

describe("what config.json must say", () => {
  const read = (json: JsonObject) => () => configFromHuggingFace(json);

  test("as many labels as Python means where none are named", () => {
    expect(read(jsonOf("Bart"))()).toMatchObject({ reading: { heads: { classes: { out: 3 } }, startId: 2, endId: 2 } });
    expect(read(jsonOf("MBart"))()).toMatchObject({ reading: { heads: { classes: { out: 2 } }, startId: "last" } });
    const first = { model_type: "mt5", architectures: ["MT5ForSequenceClassification"] };
    expect(read(first)()).toMatchObject({ reading: { startId: 0, endId: 1, paddingId: 0 } });
    const three = jsonOf("Bart", { id2label: { 0: "a", 1: "b", 2: "c" } }, "QuestionAnswering");
    expect(read(three)()).toMatchObject({ reading: { heads: { span: { out: 2 } } } });
  });

  test.each<{ what: string; json: JsonObject }>([
    { what: "several end tokens", json: jsonOf("Bart", { eos_token_id: [2, 3] }) },
    { what: "no end token", json: jsonOf("Bart", { eos_token_id: null }) },
    { what: "no padding token", json: jsonOf("MBart", { pad_token_id: null }) },
    { what: "no start token", json: jsonOf("Bart", { decoder_start_token_id: null }) },
    { what: "a rate above 1", json: jsonOf("Bart", { classifier_dropout: 1.5 }) },
    { what: "an unknown key", json: jsonOf("Bart", { pooler: "max" }) },
    {
      what: "a T5 that says no start token",
      json: { model_type: "t5", architectures: ["T5ForSequenceClassification"] },
    },
    { what: "answers with three ends", json: jsonOf("T5", { num_labels: 3 }, "QuestionAnswering") },
    { what: "no labels", json: jsonOf("Bart", { num_labels: 0 }) },
  ])("refuses $what", ({ json }) => {
    expect(read(json)).toThrowErrorMatchingSnapshot();
  });

  test.each(["ForSequenceClassification", "Model"])(
    "Bart%s: embeddings of each stack's own are refused",
    async (head) => {
      const store = memoryFileStore();
      const json = { ...jsonOf("Bart", { tie_word_embeddings: false }), architectures: [`Bart${head}`] };
      const made = modelFromHuggingFace(json, rng(2));
      await savePretrained(store, "untied", made);
      expect((await loadPretrained(store, "untied")).config).toEqual(made.config);
      const files = await openWeights(store, "untied");
      const arrays = new Map<string, NamedArray>();
      for (const name of files.entries.keys()) arrays.set(name, await files.read(name));
      await files.close();
      const shared = head === "Model" ? "shared.weight" : "model.shared.weight";
      arrays.set(shared.replace("shared", "encoder.embed_tokens"), arrays.get(shared)!);
      await writeWeights(store, "untied", arrays);
      await expect(loadPretrained(store, "untied")).rejects.toThrow(
        /got unexpected: (model\.)?encoder\.embed_tokens\.weight\./,
      );
    },
  );
});
