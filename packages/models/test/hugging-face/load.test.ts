import {
  type FileStore,
  memoryFileStore,
  type NamedArray,
  readWeights,
  writeHuggingFaceJson,
  writeWeights,
} from "@heed/checkpoints";
import { stateDict } from "@heed/nn";
import { countBuffers, dataSync, fromArray, referenceBackend, rng, useBackend } from "@heed/tensor";
import { beforeEach, describe, expect, test } from "vitest";
import { families, type Gpt2Config, gpt2, loadPretrained, type Pretrained, savePretrained } from "../../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

const tiny: Gpt2Config = { vocabSize: 7, maxSeqLen: 5, dModel: 4, numLayers: 2, numHeads: 2 };
const make = (config: Partial<Gpt2Config> = {}): Pretrained<"gpt2"> => ({
  modelType: "gpt2",
  config: { ...tiny, ...config },
  model: gpt2({ ...tiny, ...config }, rng(1)),
});
const tokens = () => fromArray(Int32Array.of(1, 2, 3, 6), [1, 4]);
const bytesOf = async (store: FileStore, path: string) => new TextDecoder().decode(await store.read(path));

describe("bad folders", () => {
  const folder = async (change: {
    config?: Record<string, unknown>;
    weights?: (weights: Map<string, NamedArray>) => void;
    drop?: string[];
  }): Promise<FileStore> => {
    const store = memoryFileStore();
    await savePretrained(store, "in", make({ numLayers: 1 }));
    const json = { ...(JSON.parse(await bytesOf(store, "in/config.json")) as object), ...change.config };
    for (const key of change.drop ?? []) delete (json as Record<string, unknown>)[key];
    await writeHuggingFaceJson(store, "in/config.json", json as never);
    const weights = await readWeights(store, "in");
    change.weights?.(weights);
    await writeWeights(store, "in", weights);
    return store;
  };
  const messageOf = async (change: Parameters<typeof folder>[0]): Promise<string> =>
    loadPretrained(await folder(change), "in").then(
      () => "loaded",
      (error: Error) => `${error.name}: ${error.message}`,
    );

  test("an unchanged folder loads", async () => expect(await messageOf({})).toBe("loaded"));

  test("configurations", async () => {
    const known = Object.keys(families).sort().join(", ");
    const unknown = `RangeError: loadPretrained: config.json has an unknown model_type, expected one of ${known}, got`;
    expect(await messageOf({ config: { model_type: "gpt3" } })).toBe(`${unknown} "gpt3"`);
    expect(await messageOf({ drop: ["model_type"] })).toBe(`${unknown} undefined`);
    expect(await messageOf({ config: { rope_theta: 10000, alibi: true } })).toMatchInlineSnapshot(
      `"RangeError: loadPretrained: config.json has keys that gpt2 does not know, expected only known ones, got alibi: true, rope_theta: 10000. Remove them if they change nothing"`,
    );
    expect(await messageOf({ config: { add_cross_attention: true } })).toMatchInlineSnapshot(
      `"RangeError: loadPretrained: config.json has an unsupported add_cross_attention for gpt2, expected false, got true"`,
    );
    expect(await messageOf({ config: { activation_function: "gelu_2" } })).toMatchInlineSnapshot(
      `"RangeError: loadPretrained: config.json has an unsupported activation_function for gpt2, expected one of gelu, gelu_python, gelu_new, gelu_fast, gelu_accurate, gelu_pytorch_tanh, quick_gelu, leaky_relu, linear, mish, relu, relu2, relu6, silu, swish, sigmoid, tanh, got "gelu_2""`,
    );
    expect(await messageOf({ config: { n_layer: 1.5 } })).toMatchInlineSnapshot(
      `"RangeError: loadPretrained: config.json has an unsupported n_layer for gpt2, expected a whole number >= 1, got 1.5"`,
    );
    expect(await messageOf({ config: { n_ctx: 9 } })).toMatchInlineSnapshot(
      `"RangeError: loadPretrained: config.json has an unsupported n_ctx for gpt2, expected 5 (from n_positions), got 9"`,
    );
    expect(await messageOf({ config: { attn_pdrop: 1 } })).toMatchInlineSnapshot(
      `"RangeError: loadPretrained: config.json has an unsupported attn_pdrop for gpt2, expected a number in [0, 1), got 1"`,
    );
    expect(await messageOf({ config: { scale_attn_weights: "yes" } })).toMatchInlineSnapshot(
      `"RangeError: loadPretrained: config.json has an unsupported scale_attn_weights for gpt2, expected true or false, got "yes""`,
    );
    expect(await messageOf({ config: { architectures: ["GPT2ForSequenceClassification"] } })).toMatchInlineSnapshot(
      `"ShapeError: loadPretrained: weights do not fit the gpt2 of config.json, expected exactly its names and shapes, got missing: score.weight. Give newWeights to draw those of a new head"`,
    );
    expect(await messageOf({ config: { n_head: 3 } })).toMatchInlineSnapshot(
      `"RangeError: gpt2: numHeads does not divide the width, expected a divisor of dModel=4, got 3"`,
    );
    expect(await messageOf({ config: { quantization_config: { bits: 4 } } })).toMatchInlineSnapshot(
      `"RangeError: loadPretrained: config.json has an unsupported quantization_config for gpt2, expected null, got {"bits":4}"`,
    );
  });

  test("a family that is not wanted", async () => {
    const store = memoryFileStore();
    await savePretrained(store, "out", make());
    await expect(loadPretrained(store, "out", { modelType: "t5" })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: loadPretrained: config.json has model_type gpt2, expected t5 (from options.modelType). Name another folder]`,
    );
    await expect(loadPretrained(store, "out", { architecture: "Gpt2" })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: loadPretrained: architecture is unknown for gpt2, expected one of GPT2LMHeadModel, GPT2Model, GPT2ForSequenceClassification, got Gpt2]`,
    );
  });

  test("element types that differ", async () => {
    const weights = (w: Map<string, NamedArray>) =>
      void w.set("transformer.ln_f.bias", { dtype: "F16", shape: [4], values: new Float32Array(4) });
    expect(await messageOf({ weights })).toMatchInlineSnapshot(
      `"ShapeError: loadPretrained: weights have different element types, expected one for all, got F32 (transformer.wte.weight) and F16 (transformer.ln_f.bias). Convert them to one type where they were saved"`,
    );
  });

  test("keys that change nothing are fine", async () => {
    const config = {
      task_specific_params: { x: 1 },
      n_ctx: 5,
      add_cross_attention: false,
      reorder_and_upcast_attn: true,
      summary_type: "mean",
      temperature: 0.7,
      pruned_heads: {},
    };
    expect(await messageOf({ config })).toBe("loaded");
  });

  test("weights", async () => {
    const name = "transformer.h.0.mlp.c_fc.weight";
    const zeros = (shape: number[]): NamedArray => ({
      dtype: "F32",
      shape,
      values: new Float32Array(shape.reduce((a, b) => a * b)),
    });
    expect(await messageOf({ config: { n_layer: 1e9 } })).toMatchInlineSnapshot(
      `"ShapeError: loadPretrained: config.json has 1000000000 layers, expected at most one for each of 16 weights in the files. Check that weights and config.json belong together"`,
    );
    expect(await messageOf({ config: { vocab_size: 1e12 } })).toMatchInlineSnapshot(
      `"ShapeError: loadPretrained: weights do not fit the gpt2 of config.json, expected exactly its names and shapes, got different: transformer.wte.weight expected [1000000000000, 4] (from n_embd, vocab_size), got [7, 4]. Check that weights and config.json belong together"`,
    );
    expect(await messageOf({ config: { n_embd: 1e12 } })).toContain(
      "different: transformer.wte.weight expected [7, 1000000000000] (from n_embd, vocab_size), got [7, 4]",
    );
    expect(await messageOf({ weights: (w) => w.delete(name) })).toMatchInlineSnapshot(
      `"ShapeError: loadPretrained: weights do not fit the gpt2 of config.json, expected exactly its names and shapes, got missing: transformer.h.0.mlp.c_fc.weight. Check that weights and config.json belong together"`,
    );
    expect(await messageOf({ weights: (w) => w.set("transformer.h.1.ln_1.weight", zeros([4])) })).toMatchInlineSnapshot(
      `"ShapeError: loadPretrained: weights do not fit the gpt2 of config.json, expected exactly its names and shapes, got unexpected: transformer.h.1.ln_1.weight. Check that weights and config.json belong together"`,
    );
    expect(await messageOf({ weights: (w) => w.set(name, zeros([16, 4])) })).toMatchInlineSnapshot(
      `"ShapeError: loadPretrained: weights do not fit the gpt2 of config.json, expected exactly its names and shapes, got different: transformer.h.0.mlp.c_fc.weight expected [4, 16] (from n_embd), got [16, 4]. Check that weights and config.json belong together"`,
    );
    expect(
      await messageOf({ weights: (w) => w.set(name, { dtype: "I32", shape: [4, 16], values: new Int32Array(64) }) }),
    ).toMatchInlineSnapshot(
      `"CheckpointError: toFloat32: tensor "transformer.h.0.mlp.c_fc.weight" has dtype I32, expected F32, F16, BF16 or F64. Use toInt32 for integers."`,
    );
    expect(await messageOf({ config: { tie_word_embeddings: false } })).toMatchInlineSnapshot(
      `"ShapeError: loadPretrained: weights do not fit the gpt2 of config.json, expected exactly its names and shapes, got missing: lm_head.weight. Give newWeights to draw those of a new head"`,
    );
  });

  test("files", async () => {
    const store = memoryFileStore();
    await expect(loadPretrained(store, "none")).rejects.toThrowErrorMatchingInlineSnapshot(
      `[CheckpointError: readJsonFile: none/config.json is missing, expected a file. Check the path.]`,
    );
    await writeHuggingFaceJson(store, "half/config.json", { model_type: "gpt2" });
    await expect(loadPretrained(store, "half")).rejects.toThrowErrorMatchingInlineSnapshot(
      `[CheckpointError: openWeights: half has no weights, expected model.safetensors or model.safetensors.index.json, got "config.json". Check the path; convert other formats to safetensors first.]`,
    );
  });

  test("buffers and tied copies are not loaded, as transformers does not, but stand in the folder that is saved again", async () => {
    const weights = (w: Map<string, NamedArray>) => {
      w.set("transformer.h.0.attn.bias", { dtype: "U8", shape: [1, 1, 5, 5], values: new Uint8Array(25) });
      w.set("transformer.h.0.attn.masked_bias", { dtype: "F32", shape: [], values: Float32Array.of(-1e4) });
      w.set("lm_head.weight", { dtype: "F32", shape: [7, 4], values: new Float32Array(28).fill(9) });
    };
    const store = await folder({ weights });
    const loaded = await loadPretrained(store, "in", { modelType: "gpt2" });
    expect([...dataSync(loaded.model.forward(tokens()))]).toEqual([
      ...dataSync(make({ numLayers: 1 }).model.forward(tokens())),
    ]);
    await savePretrained(store, "again", loaded);
    const [before, after] = [await readWeights(store, "in"), await readWeights(store, "again")];
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
    expect(after.get("transformer.h.0.attn.bias")).toEqual(before.get("transformer.h.0.attn.bias"));
    expect(after.get("lm_head.weight")).toEqual(after.get("transformer.wte.weight"));
  });
});

test("biases that were trained elsewhere are loaded, whatever config.json says of them", async () => {
  const store = memoryFileStore();
  await savePretrained(store, "out", make({ bias: false }));
  expect((await loadPretrained(store, "out", { modelType: "gpt2" })).config.bias).toBe(false);
  const weights = await readWeights(store, "out");
  (weights.get("transformer.ln_f.bias") as NamedArray<"F32">).values.set([1, 2]);
  await writeWeights(store, "out", weights);
  const { config, model } = await loadPretrained(store, "out", { modelType: "gpt2" });
  expect(config.bias).toBe(true);
  expect([...dataSync(stateDict(model).get("stack.norm.bias")!)]).toEqual([1, 2, 0, 0]);
});

test("a folder that cannot be read to its end leaves no tensors", async () => {
  const store = memoryFileStore();
  await savePretrained(store, "out", make());
  const before = countBuffers();
  const onProgress = (done: number) => {
    if (done === 5) throw new Error("enough");
  };
  await expect(loadPretrained(store, "out", { onProgress })).rejects.toThrow("enough");
  expect(countBuffers()).toEqual(before);
});

test("progress counts weights", async () => {
  const store = memoryFileStore();
  await savePretrained(store, "out", make());
  const seen: string[] = [];
  await loadPretrained(store, "out", { onProgress: (done, total) => seen.push(`${done}/${total}`) });
  expect(seen.length).toBe(28);
  expect([seen[0], seen.at(-1)]).toEqual(["1/28", "28/28"]);
});
