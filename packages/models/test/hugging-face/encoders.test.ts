import {
  type FileStore,
  type JsonObject,
  memoryFileStore,
  type NamedArray,
  readWeights,
  writeHuggingFaceJson,
  writeWeights,
} from "@heed/checkpoints";
import { stateDict } from "@heed/nn";
import { dataSync, referenceBackend, rng, type Tensor, tensor, useBackend } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type BertConfig,
  bert,
  configFromHuggingFace,
  families,
  type LoadOptions,
  loadPretrained,
  type PretrainedOf,
  savePretrained,
} from "../../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

const encoders = ["albert", "bert", "camembert", "distilbert", "electra", "roberta", "xlm-roberta"] as const;
type EncoderType = (typeof encoders)[number];
type PretrainedEncoder = PretrainedOf<"bert">;

/** A small model of each family, in the words of its config.json. */
const small = (modelType: EncoderType): JsonObject =>
  modelType === "distilbert"
    ? { vocab_size: 11, dim: 8, n_layers: 2, n_heads: 2, hidden_dim: 12, max_position_embeddings: 10 }
    : {
        ...{ vocab_size: 11, hidden_size: 8, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 12 },
        ...{ max_position_embeddings: 10, num_labels: 3 },
        ...((modelType === "electra" || modelType === "albert") && { embedding_size: 6 }),
      };

const read = (json: JsonObject) => configFromHuggingFace(json);
const tokens = (): Tensor => tensor([[1, 2, 3, 5]], { dtype: "int32" });

async function load(store: FileStore, folder: string, options: LoadOptions = {}): Promise<PretrainedEncoder> {
  return (await loadPretrained(store, folder, options)) as PretrainedEncoder;
}

/** Everything that a model finds. */
const outputs = ({ model }: PretrainedEncoder): Record<string, number[]> =>
  Object.fromEntries(Object.entries(model.forward(tokens())).map(([name, x]) => [name, [...dataSync<"float32">(x)]]));

/** A folder of a class with drawn weights, as Python would have saved it, but for changes. */
async function folder(
  modelType: EncoderType,
  architecture: string,
  change: { json?: JsonObject; weights?: (weights: Map<string, NamedArray>) => void } = {},
): Promise<FileStore> {
  const store = memoryFileStore();
  const family = families[modelType];
  const json = { model_type: modelType, ...small(modelType), ...change.json, architectures: [architecture] };
  const config = family.readConfig(json, architecture);
  const model = bert({ ...config, initStd: 0.3 }, rng(1));
  for (const [name, x] of stateDict(model)) if (name.endsWith("bias")) dataSync<"float32">(x).set([0.5, -0.25]);
  await savePretrained(store, "in", { modelType, architecture, config, model } as PretrainedEncoder);
  await writeHuggingFaceJson(store, "in/config.json", json);
  const weights = await readWeights(store, "in");
  change.weights?.(weights);
  await writeWeights(store, "in", weights);
  return store;
}

describe("every class", () => {
  const all = encoders.flatMap((type) => families[type].architectures.map((name) => [name, type] as const));

  test.each(all)("%s is written from its configuration and read again", async (architecture, modelType) => {
    const store = memoryFileStore();
    const json = { model_type: modelType, ...small(modelType), architectures: [architecture] };
    const config = families[modelType].readConfig(json, architecture);
    const model = bert(config, rng(2));
    const given = { modelType, config, model } as PretrainedEncoder;
    await savePretrained(store, "out", given);
    const again = await load(store, "out");
    expect(again.config).toEqual(config);
    expect(outputs(again)).toEqual(outputs(given));
  });
});

describe("configurations", () => {
  test("an absent key means the default of Python", () => {
    const sizes = { maxSeqLen: 512, dModel: 768, numLayers: 12, numHeads: 12, dFF: 3072, activation: "gelu" };
    const rates = { dropout: 0.1, attentionDropout: 0.1, initStd: 0.02, layerNormEpsilon: 1e-12, tieHead: true };
    const bertLike = { ...sizes, ...rates, numSegments: 2, positions: "absolute" };
    expect(read({ model_type: "bert" })).toMatchObject({ ...bertLike, vocabSize: 30522, paddingId: 0 });
    expect(read({ model_type: "bert", pad_token_id: null })).not.toHaveProperty("paddingId");
    const roberta = { ...bertLike, maxSeqLen: 510, paddingId: 1, countRealTokens: true };
    expect(read({ model_type: "roberta" })).toMatchObject({ ...roberta, vocabSize: 50265 });
    expect(read({ model_type: "camembert" })).toMatchObject({ ...roberta, vocabSize: 30522 });
    expect(read({ model_type: "roberta", pad_token_id: 3 })).toMatchObject({ maxSeqLen: 508, paddingId: 3 });
    const relative = read({ model_type: "roberta", position_embedding_type: "relative_key_query" });
    expect(relative).toMatchObject({ maxSeqLen: 512, positions: "relative-both" });
    expect(relative).not.toHaveProperty("countRealTokens");
  });

  test("dropout of a classifier is its own, else that of the body", () => {
    const of = (json: JsonObject) => {
      const config = read({ model_type: "bert", architectures: ["BertForSequenceClassification"], ...json });
      return (config as BertConfig).heads!["classes"];
    };
    expect(of({})).toEqual({ tokens: "first", dense: { dOut: 768, activation: "tanh" }, dropout: 0.1, out: 2 });
    expect(of({ hidden_dropout_prob: 0.2, classifier_dropout: null })!.dropout).toBe(0.2);
    expect(of({ classifier_dropout: 0.3, id2label: { 0: "a", 1: "b", 2: "c" } })).toMatchObject({
      dropout: 0.3,
      out: 3,
    });
  });

  test("a decoder sees backwards only, and says so when it is saved", () => {
    const json = { model_type: "bert", is_decoder: true, architectures: ["BertLMHeadModel"] };
    expect(read(json)).toMatchObject({ causal: true });
    expect(families.bert.writeConfig(read(json) as BertConfig)).toMatchObject(json);
    expect(read({ model_type: "roberta", is_decoder: false })).not.toHaveProperty("causal");
  });

  test.each<{ json: JsonObject }>([
    { json: { model_type: "bert", hidden_act: "gelu_10" } },
    { json: { model_type: "bert", position_embedding_type: "rotary" } },
    { json: { model_type: "bert", layer_norm_eps: null } },
    { json: { model_type: "bert", hidden_dropout_prob: 1 } },
    { json: { model_type: "bert", num_labels: 0, architectures: ["BertForTokenClassification"] } },
    { json: { model_type: "bert", add_cross_attention: true } },
    { json: { model_type: "bert", is_encoder_decoder: true } },
    { json: { model_type: "bert", rope_theta: 10000 } },
    { json: { model_type: "bert", architectures: ["BertForAudio"] } },
    { json: { model_type: "roberta", pad_token_id: null } },
    { json: { model_type: "roberta", max_position_embeddings: 2 } },
    { json: { model_type: "albert", is_decoder: true } },
    { json: { model_type: "albert", num_memory_blocks: 1 } },
    { json: { model_type: "electra", summary_type: "last", architectures: ["ElectraForMultipleChoice"] } },
    { json: { model_type: "distilbert", hidden_size: 4, dim: 8 } },
  ])("refuses $json", ({ json }) => {
    expect(() => read(json)).toThrowErrorMatchingSnapshot();
  });

  test("heads of no class cannot be written", () => {
    const config = {
      ...(read({ model_type: "bert", ...small("bert") }) as BertConfig),
      heads: { mood: { tokens: "each" } },
    };
    expect(() => families.bert.writeConfig(config as BertConfig)).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: savePretrained: heads of bert are of no class, expected those of BertForPreTraining, BertForMaskedLM, BertForNextSentencePrediction, BertModel, BertForSequenceClassification, BertForTokenClassification, BertForQuestionAnswering, BertForMultipleChoice, BertLMHeadModel, got mood. Name the heads as they do]`,
    );
  });
});

describe("names in files", () => {
  const rename = (weights: Map<string, NamedArray>, change: (name: string) => string): void => {
    for (const [name, array] of [...weights]) {
      weights.delete(name);
      weights.set(change(name), array);
    }
  };
  const oldNames = (weights: Map<string, NamedArray>): void => {
    rename(weights, (name) =>
      name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"),
    );
    const positions = { dtype: "I64", shape: [1, 10], values: BigInt64Array.from({ length: 10 }, (_, i) => BigInt(i)) };
    weights.set("bert.embeddings.position_ids", positions as NamedArray);
    weights.set("cls.predictions.decoder.weight", weights.get("bert.embeddings.word_embeddings.weight")!);
  };

  test("old names, buffers and copies are read, and written again", async () => {
    const plain = await load(await folder("bert", "BertForPreTraining"), "in");
    const store = await folder("bert", "BertForPreTraining", { weights: oldNames });
    const old = await load(store, "in");
    expect(outputs(old)).toEqual(outputs(plain));
    await savePretrained(store, "out", old);
    const [before, after] = [await readWeights(store, "in"), await readWeights(store, "out")];
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
    for (const [name, { values }] of before) expect([...after.get(name)!.values], name).toEqual([...values]);
  });

  test.each(["bert", "roberta"] as const)("of two biases of the last layer of a %s, the copy counts", async (type) => {
    const [name, bias] = type === "bert" ? ["BertForMaskedLM", "cls.predictions"] : ["RobertaForMaskedLM", "lm_head"];
    const values = Float32Array.from({ length: 11 }, (_, i) => i);
    const store = await folder(type, name!, {
      json: { tie_word_embeddings: false },
      weights: (weights) => void weights.set(`${bias}.decoder.bias`, { dtype: "F32", shape: [11], values }),
    });
    const loaded = await load(store, "in");
    expect([...dataSync(stateDict(loaded.model).get("heads.words.out.bias")!)]).toEqual([...values]);
    await savePretrained(store, "out", loaded);
    const saved = await readWeights(store, "out");
    expect([...saved.keys()].sort()).toEqual([...(await readWeights(store, "in")).keys()].sort());
    expect([...saved.get(`${bias}.decoder.bias`)!.values]).toEqual([...values]);
  });

  test("a masked model that keeps the other head of its pretraining", async () => {
    const store = await folder("bert", "BertForPreTraining");
    const json = { model_type: "bert", ...small("bert"), architectures: ["BertForMaskedLM"] };
    await writeHuggingFaceJson(store, "in/config.json", json);
    const masked = await load(store, "in");
    expect(Object.keys(masked.model.heads)).toEqual(["words"]);
    await savePretrained(store, "out", masked);
    expect([...(await readWeights(store, "out")).keys()]).toContain("bert.pooler.dense.weight");
    const both = await load(store, "out", { architecture: "BertForPreTraining" });
    expect(outputs(both)["words"]).toEqual(outputs(masked)["words"]);
  });

  test("distances run the other way in files, and the table of positions stays unused beside them", async () => {
    const store = await folder("bert", "BertModel", {
      json: { position_embedding_type: "relative_key" },
      weights: (weights) =>
        void weights.set("embeddings.position_embeddings.weight", {
          dtype: "F32",
          shape: [10, 8],
          values: new Float32Array(80),
        }),
    });
    const weights = await readWeights(store, "in");
    const name = "encoder.layer.1.attention.self.distance_embedding.weight";
    const stored = [...weights.get(name)!.values].map(Number);
    const loaded = await load(store, "in");
    const ours = [...dataSync(stateDict(loaded.model).get("encoder.blocks.1.attention.position.keys")!)];
    const rowsOf = (values: number[]) => Array.from({ length: 19 }, (_, i) => values.slice(4 * i, 4 * i + 4));
    expect(rowsOf(stored)).toEqual(rowsOf(ours).reverse());
    await savePretrained(store, "out", loaded);
    expect((await readWeights(store, "out")).has("embeddings.position_embeddings.weight")).toBe(true);
  });

  test("another class of a checkpoint: what it lacks is drawn, what it does not need is listed", async () => {
    const store = await folder("bert", "BertForPreTraining");
    const architecture = "BertForSequenceClassification";
    await expect(load(store, "in", { architecture })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: loadPretrained: weights do not fit the bert of config.json, expected exactly its names and shapes, got missing: classifier.weight, classifier.bias. Give newWeights to draw those of a new head]`,
    );
    const loaded = await load(store, "in", { architecture, newWeights: rng(3) });
    expect(loaded.fresh).toEqual(["classifier.weight", "classifier.bias"]);
    expect([...loaded.unused!].sort()).toEqual([
      ...[
        "cls.predictions.bias",
        "cls.predictions.transform.LayerNorm.bias",
        "cls.predictions.transform.LayerNorm.weight",
      ],
      ...["cls.predictions.transform.dense.bias", "cls.predictions.transform.dense.weight"],
      ...["cls.seq_relationship.bias", "cls.seq_relationship.weight"],
    ]);
    const encoder = await load(store, "in", { architecture: "BertModel" });
    expect(outputs(encoder)["states"]).toEqual(outputs(loaded)["states"]);
    await savePretrained(store, "out", loaded);
    expect((await load(store, "out")).architecture).toBe(architecture);
  });
});
