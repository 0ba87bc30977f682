import {
  encodeSafetensors,
  type JsonObject,
  memoryFileStore,
  type NamedArray,
  openSafetensors,
  writeFileAtomic,
} from "@heed/checkpoints";
import { stateDict } from "@heed/nn";
import { assign, dataSync, fromArray, referenceBackend, rng, useBackend } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type Elmo,
  type ElmoConfig,
  elmo,
  elmoConfigFromOptions,
  elmoWeights,
  loadElmo,
  saveElmo,
} from "../../src/index.ts";

const config: ElmoConfig = {
  ...{ dCharacter: 3, filters: [{ size: 2, dOut: 5 }], activation: "relu", numHighways: 1, dModel: 4, dState: 6 },
  ...{ numLayers: 2, cellClip: 3, projectionClip: 2, skipConnections: true, maxCharacters: 50, numRepresentations: 1 },
};
const valuesOf = (model: Elmo) =>
  new Map([...stateDict(model)].map(([name, x]) => [name, [...dataSync(x)].map(Number)]));

beforeEach(() => void useBackend(referenceBackend()));

/** All arrays of a file. */
async function arraysOf(store: ReturnType<typeof memoryFileStore>, path: string): Promise<Map<string, NamedArray>> {
  const source = await store.open(path);
  const file = await openSafetensors(source, { file: path });
  const arrays = new Map<string, NamedArray>();
  for (const name of file.entries.keys()) arrays.set(name, await file.read(name));
  await source.close();
  return arrays;
}

test.each(["allennlp", "published"] as const)("%s names: saved and loaded", async (naming) => {
  const model = elmo(config, rng(0));
  const store = memoryFileStore();
  await saveElmo(store, "one", { config, model }, { naming });
  const loaded = await loadElmo(store, "one");
  expect(loaded.naming).toBe(naming);
  expect(loaded.config).toEqual(config);
  expect(valuesOf(loaded.model)).toEqual(valuesOf(model));
  await saveElmo(store, "two", loaded);
  expect(await arraysOf(store, "two/model.safetensors")).toEqual(await arraysOf(store, "one/model.safetensors"));
});

test("published files leave out mixtures, and take any number of new ones", async () => {
  const store = memoryFileStore();
  const model = elmo(config, null);
  await saveElmo(store, "folder", { config, model }, { naming: "published" });
  const loaded = await loadElmo(store, "folder", { numRepresentations: 2, normalizeLayers: true });
  expect(loaded.config).toEqual({ ...config, numRepresentations: 2, normalizeLayers: true });
  expect(loaded.model.mixes.length).toBe(2);
  expect([...elmoWeights({ config, model, naming: "published" }).keys()].sort()).toMatchInlineSnapshot(`
    [
      "CNN/W_cnn_0",
      "CNN/b_cnn_0",
      "CNN_high_0/W_carry",
      "CNN_high_0/W_transform",
      "CNN_high_0/b_carry",
      "CNN_high_0/b_transform",
      "CNN_proj/W_proj",
      "CNN_proj/b_proj",
      "RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/B",
      "RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/W_0",
      "RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/W_P_0",
      "RNN_0/RNN/MultiRNNCell/Cell1/LSTMCell/B",
      "RNN_0/RNN/MultiRNNCell/Cell1/LSTMCell/W_0",
      "RNN_0/RNN/MultiRNNCell/Cell1/LSTMCell/W_P_0",
      "RNN_1/RNN/MultiRNNCell/Cell0/LSTMCell/B",
      "RNN_1/RNN/MultiRNNCell/Cell0/LSTMCell/W_0",
      "RNN_1/RNN/MultiRNNCell/Cell0/LSTMCell/W_P_0",
      "RNN_1/RNN/MultiRNNCell/Cell1/LSTMCell/B",
      "RNN_1/RNN/MultiRNNCell/Cell1/LSTMCell/W_0",
      "RNN_1/RNN/MultiRNNCell/Cell1/LSTMCell/W_P_0",
      "char_embed",
    ]
  `);
});

const options: JsonObject = {
  bidirectional: true,
  dropout: 0.1,
  n_tokens_vocab: 793471,
  char_cnn: {
    ...{
      activation: "tanh",
      embedding: { dim: 16 },
      filters: [
        [1, 32],
        [2, 64],
      ],
      n_characters: 261,
    },
  },
  lstm: { dim: 64, n_layers: 3, projection_dim: 8, cell_clip: null, proj_clip: 3 },
};

test("options: what is absent means what the originals take it for", () => {
  expect(elmoConfigFromOptions(options)).toEqual({
    ...{ dCharacter: 16, activation: "tanh", maxCharacters: 50, numHighways: 0, dModel: 8, dState: 64, numLayers: 3 },
    filters: [
      { size: 1, dOut: 32 },
      { size: 2, dOut: 64 },
    ],
    ...{ skipConnections: false, projectionClip: 3, dropout: 0.1 },
  });
});

const { char_cnn: cnn, lstm } = options as { char_cnn: JsonObject; lstm: JsonObject };
test.each<{ what: string; json: JsonObject }>([
  { what: "one direction", json: { ...options, bidirectional: false } },
  { what: "an unknown key", json: { ...options, char_lstm: {} } },
  { what: "an unknown key of the LSTM", json: { ...options, lstm: { ...lstm, peepholes: true } } },
  { what: "another activation", json: { ...options, char_cnn: { ...cnn, activation: "gelu" } } },
  { what: "another table", json: { ...options, char_cnn: { ...cnn, n_characters: 300 } } },
  { what: "damaged filters", json: { ...options, char_cnn: { ...cnn, filters: [[1]] } } },
  { what: "no LSTM", json: { char_cnn: cnn } },
  { what: "no width", json: { ...options, lstm: { ...lstm, projection_dim: 0 } } },
  { what: "a negative clip", json: { ...options, lstm: { ...lstm, cell_clip: -1 } } },
])("refuses options with $what", ({ json }) => {
  expect(() => elmoConfigFromOptions(json)).toThrowErrorMatchingSnapshot();
});

describe("refuses", () => {
  test("weights that do not fit", async () => {
    const store = memoryFileStore();
    await saveElmo(store, "folder", { config, model: elmo(config, null) });
    const path = "folder/model.safetensors";
    const arrays = await arraysOf(store, path);
    arrays.delete("_elmo_lstm._token_embedder._projection.bias");
    arrays.set("more", arrays.get("scalar_mix_0.gamma")!);
    arrays.set("_elmo_lstm._token_embedder.char_conv_0.bias", arrays.get("scalar_mix_0.gamma")!);
    await writeFileAtomic(store, path, encodeSafetensors(arrays));
    await expect(loadElmo(store, "folder")).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: loadElmo: weights do not fit options.json, expected exactly its names and shapes, got missing: _elmo_lstm._token_embedder._projection.bias; unexpected: more; different: _elmo_lstm._token_embedder.char_conv_0.bias expected [5], got [1]. Check that they belong together]`,
    );
    await expect(
      loadElmo(store, "folder", { weights: "other.safetensors" }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[CheckpointError: loadElmo: folder/other.safetensors does not exist, expected weights in safetensors. Convert other formats first; say their name with weights]`,
    );
  });

  test("to lose what a naming has no place for", async () => {
    const store = memoryFileStore();
    const save = (model: Elmo, naming: "allennlp" | "published") =>
      saveElmo(store, "folder", { config, model }, { naming });
    await expect(save(elmo({ ...config, vocabSize: 9 }, null), "allennlp")).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: saveElmo: model has a head, expected only what the allennlp names have a place for. Keep it in a file of your own]`,
    );
    const padded = elmo(config, null);
    const table = padded.characters.weight;
    assign(table, fromArray(new Float32Array(262 * 3).fill(1), table.shape));
    await expect(save(padded, "published")).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: saveElmo: model has a row for the padding of words that is not zero, expected only what the published names have a place for. Keep it in a file of your own]`,
    );
    const mixed = elmo(config, null);
    assign(mixed.mixes[0]!.scale, fromArray(Float32Array.of(2), [1]));
    await expect(save(mixed, "published")).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: saveElmo: model has mixtures that were trained, expected only what the published names have a place for. Keep it in a file of your own]`,
    );
    expect(await store.size("folder/options.json")).toBe(null);
  });
});
