import { type FileStore, memoryFileStore, readWeights, writeHuggingFaceJson } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { countParameters, stateDict } from "@heed/nn";
import { dataSync, fromArray, referenceBackend, rng, useBackend } from "@heed/tensor";
import { golden } from "@heed/test-tools";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type Gpt2Config,
  gpt2,
  gpt2Presets,
  loadPretrained,
  type Pretrained,
  savePretrained,
} from "../../src/index.ts";

beforeEach(() => void useBackend(referenceBackend()));

const tiny: Gpt2Config = { vocabSize: 7, maxSeqLen: 5, dModel: 4, numLayers: 2, numHeads: 2 };
const make = (config: Partial<Gpt2Config> = {}): Pretrained<"gpt2"> => ({
  modelType: "gpt2",
  config: { ...tiny, ...config },
  model: gpt2({ ...tiny, ...config }, rng(1)),
});
const valuesOf = (model: object) => new Map([...stateDict(model)].map(([name, x]) => [name, [...dataSync(x)]]));
const tokens = () => fromArray(Int32Array.of(1, 2, 3, 6), [1, 4]);
const bytesOf = async (store: FileStore, path: string) => new TextDecoder().decode(await store.read(path));

const fixtures = [
  "gpt2-lm",
  "gpt2-lm-f16",
  "gpt2-lm-bf16",
  "gpt2-lm-sharded",
  "gpt2-hub-layout",
  "gpt2-scaled-attention",
];
for (const name of fixtures) {
  const fixture = golden(name);
  describe.skipIf(!fixture)(name, () => {
    test("saved again: the same weights bit for bit, names and configuration", async () => {
      const original = nodeFileStore();
      const { folder } = fixture!;
      const store = memoryFileStore();
      const loaded = await loadPretrained(original, folder);
      await savePretrained(store, "copy", loaded, name === "gpt2-lm-sharded" ? { maxShardBytes: 70_000 } : {});
      const [before, after] = [await readWeights(original, folder), await readWeights(store, "copy")];
      const weights = [...before.keys()];
      expect([...after.keys()].sort()).toEqual(weights.sort());
      for (const key of weights) expect(after.get(key), key).toEqual(before.get(key));
      for (const file of ["config.json", "generation_config.json"]) {
        expect(await bytesOf(store, `copy/${file}`)).toBe(await bytesOf(original, `${folder}/${file}`));
      }
      const again = await loadPretrained(store, "copy");
      expect(valuesOf(again.model)).toEqual(valuesOf(loaded.model));
      expect(again.config).toEqual(loaded.config);
    });
  });
}

describe("a model made here", () => {
  test("comes back with the same configuration and logits", async () => {
    for (const config of [
      {},
      { tieHead: false, dFF: 6, activation: "relu", residualDropout: 0.1 },
      { scaleScoresByLayer: true, scaleScores: false },
    ] as const) {
      const store = memoryFileStore();
      const made = make(config);
      await savePretrained(store, "out", made);
      const loaded = await loadPretrained(store, "out", { modelType: "gpt2" });
      expect(loaded.config).toMatchObject(made.config);
      expect([...dataSync(loaded.model.forward(tokens()))]).toEqual([...dataSync(made.model.forward(tokens()))]);
    }
  });

  test("has GPT-2's tensor names and shapes, linear weights as [in, out]", async () => {
    const store = memoryFileStore();
    await savePretrained(store, "out", make({ numLayers: 1 }));
    const shapes = Object.fromEntries(
      [...(await readWeights(store, "out"))].map(([name, { shape }]) => [name, shape.join("x")]),
    );
    expect(shapes).toEqual({
      "transformer.wte.weight": "7x4",
      "transformer.wpe.weight": "5x4",
      "transformer.h.0.ln_1.weight": "4",
      "transformer.h.0.ln_1.bias": "4",
      "transformer.h.0.attn.c_attn.weight": "4x12",
      "transformer.h.0.attn.c_attn.bias": "12",
      "transformer.h.0.attn.c_proj.weight": "4x4",
      "transformer.h.0.attn.c_proj.bias": "4",
      "transformer.h.0.ln_2.weight": "4",
      "transformer.h.0.ln_2.bias": "4",
      "transformer.h.0.mlp.c_fc.weight": "4x16",
      "transformer.h.0.mlp.c_fc.bias": "16",
      "transformer.h.0.mlp.c_proj.weight": "16x4",
      "transformer.h.0.mlp.c_proj.bias": "4",
      "transformer.ln_f.weight": "4",
      "transformer.ln_f.bias": "4",
    });
  });

  test("without biases is written with zeros, and loaded without them", async () => {
    const store = memoryFileStore();
    const { vocabSize, maxSeqLen, dModel, numLayers, numHeads } = tiny;
    const config = { ...gpt2Presets["nanogpt-cpu"], vocabSize, maxSeqLen, dModel, numLayers, numHeads };
    const made: Pretrained<"gpt2"> = { modelType: "gpt2", config, model: gpt2(config, rng(2)) };
    await savePretrained(store, "out", made);
    const weights = await readWeights(store, "out");
    const biases = [...weights].filter(([name]) => name.endsWith(".bias"));
    expect(biases).toHaveLength(13);
    expect(
      biases.every(
        ([, { values }]) => values.length > 0 && Array.from(values as Float32Array).every((value) => value === 0),
      ),
    ).toBe(true);
    expect(await bytesOf(store, "out/config.json")).toContain('"heed_bias": false');
    const { model, config: read } = await loadPretrained(store, "out", { modelType: "gpt2" });
    expect(countParameters(model)).toBe(countParameters(made.model));
    expect(read.bias).toBe(false);
    expect([...dataSync(model.forward(tokens()))]).toEqual([...dataSync(made.model.forward(tokens()))]);
    // as transformers reads it, which does not know the key: biases, all zero
    const json = JSON.parse(await bytesOf(store, "out/config.json")) as Record<string, string>;
    delete json.heed_bias;
    await writeHuggingFaceJson(store, "out/config.json", json);
    const asGpt2 = (await loadPretrained(store, "out", { modelType: "gpt2" })).model;
    dataSync(asGpt2.forward(tokens())).forEach((value, i) =>
      expect(value).toBeCloseTo(dataSync(made.model.forward(tokens()))[i]!, 6),
    );
  });

  test("is rounded to the type asked for, which config.json names", async () => {
    for (const [dtype, name, unit] of [
      ["F16", "float16", 2 ** -10],
      ["BF16", "bfloat16", 2 ** -7],
    ] as const) {
      const store = memoryFileStore();
      const made = make();
      await savePretrained(store, "out", made, { dtype });
      const loaded = await loadPretrained(store, "out", { modelType: "gpt2" });
      expect(loaded.origin?.dtype).toBe(dtype);
      expect(await bytesOf(store, "out/config.json")).toContain(`"torch_dtype": "${name}"`);
      const [before, after] = [valuesOf(made.model), valuesOf(loaded.model)];
      for (const [key, values] of before)
        values.forEach((value, i) =>
          expect(Math.abs(after.get(key)![i]! - value)).toBeLessThanOrEqual(Math.max(Math.abs(value) * unit, 2 ** -24)),
        );
    }
  });

  test("takes further keys of config.json", async () => {
    const store = memoryFileStore();
    await savePretrained(store, "out", make(), { config: { eos_token_id: 3 } });
    expect(JSON.parse(await bytesOf(store, "out/config.json"))).toMatchObject({
      eos_token_id: 3,
      model_type: "gpt2",
      n_embd: 4,
    });
  });

  test("writes configurations as Python does", async () => {
    const store = memoryFileStore();
    await savePretrained(store, "out", make());
    expect(await bytesOf(store, "out/config.json")).toMatchInlineSnapshot(`
      "{
        "activation_function": "gelu_new",
        "architectures": [
          "GPT2LMHeadModel"
        ],
        "attn_pdrop": 0.0,
        "bos_token_id": null,
        "embd_pdrop": 0.0,
        "eos_token_id": null,
        "initializer_range": 0.02,
        "layer_norm_epsilon": 1e-05,
        "model_type": "gpt2",
        "n_embd": 4,
        "n_head": 2,
        "n_inner": null,
        "n_layer": 2,
        "n_positions": 5,
        "reorder_and_upcast_attn": false,
        "resid_pdrop": 0.0,
        "scale_attn_by_inverse_layer_idx": false,
        "scale_attn_weights": true,
        "torch_dtype": "float32",
        "use_cache": true,
        "vocab_size": 7
      }
      "
    `);
  });
});
