import type { JsonObject } from "@heed/checkpoints";
import { memoryFileStore } from "@heed/checkpoints";
import { stateDict } from "@heed/nn";
import { dataSync, referenceBackend, rng, useBackend } from "@heed/tensor";
import { describe, expect, test } from "vitest";
import {
  type ClipConfig,
  clip,
  clipImageTower,
  clipTextTower,
  configFromHuggingFace,
  loadPretrained,
  type MaeConfig,
  mae,
  savePretrained,
  type VitConfig,
  vit,
} from "../../src/index.ts";

useBackend(referenceBackend());

const layers = { dModel: 8, numLayers: 2, numHeads: 2, dFF: 12 };
const images = { imageSize: 8, patchSize: 4, numChannels: 2 };
const sizes = { ...layers, ...images };
const read = (json: JsonObject, architecture?: string) =>
  configFromHuggingFace(json, architecture === undefined ? {} : { architecture });

const models: Readonly<Record<string, () => Parameters<typeof savePretrained>[2]>> = {
  "ViTModel of another pooler": () => {
    const pooled = { tokens: "first", dense: { dOut: 6, activation: "relu" } } as const;
    const config: VitConfig = { ...sizes, qkvBias: false, heads: { pooled } };
    return { modelType: "vit", config, model: vit(config, rng(1)) };
  },
  "ViTForImageClassification of wide images": () => {
    const config: VitConfig = { ...sizes, imageSize: [4, 12], heads: { classes: { tokens: "first", out: 3 } } };
    return { modelType: "vit", config, model: vit(config, rng(1)) };
  },
  ViTForMaskedImageModeling: () => {
    const pixels = { tokens: "each behind the first", out: 32 } as const;
    const config: VitConfig = { ...sizes, maskToken: true, heads: { pixels } };
    return { modelType: "vit", config, model: vit(config, rng(1)) };
  },
  DeiTForImageClassificationWithTeacher: () => {
    const heads = { classes: { tokens: "first", out: 3 }, distilled: { tokens: "second", out: 3 } } as const;
    const config: VitConfig = { ...sizes, prefix: "class and distillation", heads };
    return { modelType: "deit", config, model: vit(config, rng(1)) };
  },
  "DeiTForMaskedImageModeling of version 5": () => {
    const pixels = { tokens: "each behind the second", out: 32 } as const;
    const config: VitConfig = { ...sizes, prefix: "class and distillation", maskToken: true, heads: { pixels } };
    return { modelType: "deit", config, model: vit(config, rng(1)) };
  },
  ViTMAEForPreTraining: () => {
    const config: MaeConfig = { ...sizes, decoder: { ...layers, dModel: 4 }, maskRate: 0.5, normalizeTargets: true };
    return { modelType: "vit_mae", config, model: mae(config, rng(1)) };
  },
  ViTMAEModel: () => {
    const config: MaeConfig = { ...sizes, decoder: null };
    return { modelType: "vit_mae", architecture: "ViTMAEModel", config, model: mae(config, rng(1)) };
  },
  "CLIPModel of old files": () => {
    const text = { ...layers, vocabSize: 9, maxSeqLen: 5, endToken: "highest" } as const;
    const config: ClipConfig = { text, image: { ...sizes, initStd: 0.1 }, dProjection: 4, logScale: 1 };
    return { modelType: "clip", config, model: clip(config, rng(1)) };
  },
  CLIPTextModelWithProjection: () => {
    const config = { ...layers, vocabSize: 9, maxSeqLen: 5, endToken: 8, dProjection: 6 } as const;
    return { modelType: "clip_text_model", config, model: clipTextTower(config, rng(1)) };
  },
  CLIPVisionModel: () => {
    const config = { ...sizes, initStd: 0.1, initFactor: 2 };
    return { modelType: "clip_vision_model", config, model: clipImageTower(config, rng(1)) };
  },
};

test.each(Object.keys(models))("%s, written and read again, is the same", async (name) => {
  const store = memoryFileStore();
  const made = models[name]!();
  await savePretrained(store, "it", made);
  const again = await loadPretrained(store, "it");
  expect(again.architecture).toBe(name.split(" ")[0]);
  expect(again.config).toMatchObject(made.config);
  const [first, second] = [stateDict(made.model), stateDict(again.model)];
  expect([...second.keys()]).toEqual([...first.keys()]);
  for (const [key, tensor] of first) expect(dataSync(second.get(key)!), key).toEqual(dataSync(tensor));
});

test("a checkpoint opens as another class of its family; the head it lacks is drawn, its own is left", async () => {
  const store = memoryFileStore();
  await savePretrained(store, "it", models["ViTForMaskedImageModeling"]!());
  const { model, fresh, unused } = await loadPretrained(store, "it", {
    ...{ modelType: "vit", architecture: "ViTForImageClassification", newWeights: rng(0) },
  });
  expect(Object.keys(model.heads)).toEqual(["classes"]);
  expect(fresh).toEqual(["classifier.weight", "classifier.bias"]);
  expect([...unused!].sort()).toEqual(["decoder.0.bias", "decoder.0.weight", "vit.embeddings.mask_token"]);
});

test("an absent key means what Python means", () => {
  expect(read({ model_type: "vit" })).toMatchInlineSnapshot(`
    {
      "activation": "gelu",
      "attentionDropout": 0,
      "dFF": 3072,
      "dModel": 768,
      "dropout": 0,
      "heads": {
        "pooled": {
          "dense": {
            "activation": "tanh",
            "dOut": 768,
          },
          "tokens": "first",
        },
      },
      "imageSize": 224,
      "initStd": 0.02,
      "layerNormEpsilon": 1e-12,
      "maskToken": false,
      "numChannels": 3,
      "numHeads": 12,
      "numLayers": 12,
      "patchSize": 16,
      "prefix": "class",
      "qkvBias": true,
    }
  `);
  expect(read({ model_type: "vit_mae" })).toMatchInlineSnapshot(`
    {
      "activation": "gelu",
      "attentionDropout": 0,
      "dFF": 3072,
      "dModel": 768,
      "decoder": {
        "dFF": 2048,
        "dModel": 512,
        "numHeads": 16,
        "numLayers": 8,
      },
      "dropout": 0,
      "imageSize": 224,
      "initStd": 0.02,
      "layerNormEpsilon": 1e-12,
      "maskRate": 0.75,
      "normalizeTargets": false,
      "numChannels": 3,
      "numHeads": 12,
      "numLayers": 12,
      "patchSize": 16,
      "qkvBias": true,
    }
  `);
  expect(read({ model_type: "clip" })).toMatchInlineSnapshot(`
    {
      "dProjection": 512,
      "image": {
        "activation": "quick_gelu",
        "attentionDropout": 0,
        "dFF": 3072,
        "dModel": 768,
        "imageSize": 224,
        "initStd": 0.02,
        "layerNormEpsilon": 0.00001,
        "numChannels": 3,
        "numHeads": 12,
        "numLayers": 12,
        "patchSize": 32,
      },
      "initFactor": 1,
      "logScale": 2.6592,
      "text": {
        "activation": "quick_gelu",
        "attentionDropout": 0,
        "dFF": 2048,
        "dModel": 512,
        "endToken": 49407,
        "layerNormEpsilon": 0.00001,
        "maxSeqLen": 77,
        "numHeads": 8,
        "numLayers": 12,
        "vocabSize": 49408,
      },
    }
  `);
});

test("of two keys for one tower of CLIP the older counts", () => {
  const config = read({ model_type: "clip", text_config: { hidden_size: 8 }, text_config_dict: { hidden_size: 16 } });
  expect(config).toMatchObject({ text: { dModel: 16, numLayers: 12 }, image: { dModel: 768 } });
});

describe("refuses by name", () => {
  test.each([
    { model_type: "vit", patch_size: [4, 8] },
    { model_type: "vit", image_size: [16] },
    { model_type: "vit", hidden_act: "sine" },
    { model_type: "vit", layer_scale: 1 },
    { model_type: "deit", hidden_dropout_prob: 1 },
    { model_type: "vit_mae", mask_ratio: 1 },
    { model_type: "vit_mae", norm_pix_loss: 1 },
    { model_type: "vit_mae", encoder_stride: 16 },
    { model_type: "clip", text_config: { is_causal: false } },
    { model_type: "clip", text_config: { eos_token_id: [2, 3] } },
    { model_type: "clip", vision_config: { image_size: [8, 16] } },
    { model_type: "clip", vision_config: 4 },
  ] as JsonObject[])("%j", (json) => {
    expect(() => read(json)).toThrowErrorMatchingSnapshot();
  });

  test.each([
    ["a stem of convolutions", { stem: "convolutions" }],
    ["no positions", { positions: "none" }],
    ["no class token", { prefix: "none" }],
    ["a mean", { heads: { classes: { tokens: "mean", out: 3 } } }],
    ["other heads", { heads: { digits: { tokens: "first", out: 3 } } }],
  ] as const)("to write %s", async (_, choice) => {
    const config: VitConfig = { ...sizes, heads: { classes: { tokens: "first", out: 3 } }, ...choice };
    const saved = savePretrained(memoryFileStore(), "it", { modelType: "vit", config, model: vit(config, rng(0)) });
    await expect(saved).rejects.toThrowErrorMatchingSnapshot();
  });
});
