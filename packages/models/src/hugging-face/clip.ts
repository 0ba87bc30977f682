import type { JsonObject } from "@heed/checkpoints";
import { activationNames } from "../activations.ts";
import { type Clip, type ClipConfig, clip } from "../clip.ts";
import { sidesOf } from "../vit.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ModelFamily, WeightRow } from "./family.ts";
import { linearRows, normRows, readPatchSize } from "./vision-body.ts";

/** Sizes that both towers have, in the same words. */
function readLayers(read: ConfigReader, dModel: number, numHeads: number, dFF: number) {
  return {
    dModel: read.count("hidden_size", dModel),
    numLayers: read.count("num_hidden_layers", 12),
    numHeads: read.count("num_attention_heads", numHeads),
    dFF: read.count("intermediate_size", dFF),
    activation: read.choice("hidden_act", activationNames, "quick_gelu"),
    layerNormEpsilon: read.number("layer_norm_eps", 1e-5),
    attentionDropout: read.number("attention_dropout", 0, 0, 1),
  };
}

/** What a tower has of its own is unused: the model's factor and width of projection count, and dropout is of old files. */
const unused = ["projection_dim", "initializer_factor", "dropout"] as const;

/** An end token of 2 is a mistake of old files, for which the original reads texts at their highest token. */
export function readClipText(read: ConfigReader): ClipConfig["text"] {
  read.ignore(...unused, "initializer_range");
  read.only("tie_word_embeddings", true, false);
  const end = read.whole("eos_token_id", 49407);
  const text: ClipConfig["text"] = {
    vocabSize: read.count("vocab_size", 49408),
    maxSeqLen: read.count("max_position_embeddings", 77),
    ...readLayers(read, 512, 8, 2048),
    endToken: end === 2 ? "highest" : end,
  };
  read.finish();
  return text;
}

export function readClipImage(read: ConfigReader): ClipConfig["image"] {
  read.ignore(...unused);
  read.only("tie_word_embeddings", true, false);
  const image: ClipConfig["image"] = {
    imageSize: read.count("image_size", 224),
    patchSize: readPatchSize(read, 32),
    numChannels: read.count("num_channels", 3),
    ...readLayers(read, 768, 12, 3072),
    initStd: read.number("initializer_range", 0.02),
  };
  read.finish();
  return image;
}

/** Of two keys for one tower the older one, with `_dict`, counts where it is there, as in the original. */
function tower(read: ConfigReader, name: "text" | "vision"): ConfigReader {
  const isOld = (read.get(`${name}_config_dict`) ?? null) !== null;
  const newer = read.nested(`${name}_config`, `clip_${name}_model`);
  return isOld ? read.nested(`${name}_config_dict`, `clip_${name}_model`) : newer;
}

function readConfig(json: JsonObject): ClipConfig {
  const read = new ConfigReader("clip", json);
  read.only("tie_word_embeddings", true, false);
  const config: ClipConfig = {
    text: readClipText(tower(read, "text")),
    image: readClipImage(tower(read, "vision")),
    dProjection: read.count("projection_dim", 512),
    logScale: read.number("logit_scale_init_value", 2.6592),
    initFactor: read.number("initializer_factor", 1),
  };
  read.finish();
  return config;
}

function writeLayers(config: ClipConfig["text"] | ClipConfig["image"]): JsonObject {
  return {
    attention_dropout: config.attentionDropout ?? 0,
    hidden_act: config.activation ?? "quick_gelu",
    hidden_size: config.dModel,
    intermediate_size: config.dFF,
    layer_norm_eps: config.layerNormEpsilon ?? 1e-5,
    num_attention_heads: config.numHeads,
    num_hidden_layers: config.numLayers,
  };
}

export function writeClipText(text: ClipConfig["text"]): JsonObject {
  return {
    ...writeLayers(text),
    eos_token_id: text.endToken === "highest" ? 2 : text.endToken,
    max_position_embeddings: text.maxSeqLen,
    model_type: "clip_text_model",
    vocab_size: text.vocabSize,
  };
}

/** @throws RangeError for images that are not square */
export function writeClipImage(image: ClipConfig["image"]): JsonObject {
  const [rows, columns] = sidesOf(image.imageSize);
  if (rows !== columns)
    throw new RangeError(
      `savePretrained: imageSize of clip cannot be written, expected a square, got ${rows} x ${columns}`,
    );
  return {
    ...writeLayers(image),
    image_size: rows,
    initializer_range: image.initStd ?? 0.02,
    model_type: "clip_vision_model",
    num_channels: image.numChannels ?? 3,
    patch_size: image.patchSize,
  };
}

function writeConfig({ text, image, dProjection, logScale = 2.6592, initFactor = 1 }: ClipConfig): JsonObject {
  return {
    architectures: ["CLIPModel"],
    initializer_factor: initFactor,
    logit_scale_init_value: logScale,
    model_type: "clip",
    projection_dim: dProjection,
    text_config: writeClipText(text),
    torch_dtype: "float32",
    vision_config: writeClipImage(image),
  };
}

const blockRows = (ours: string, theirs: string): WeightRow[] => [
  ...normRows(`${ours}.norm1`, `${theirs}.layer_norm1`),
  ...["query", "key", "value"].flatMap((name) =>
    linearRows(`${ours}.attention.projection.${name}`, `${theirs}.self_attn.${name[0]}_proj`),
  ),
  ...linearRows(`${ours}.attention.output`, `${theirs}.self_attn.out_proj`),
  ...normRows(`${ours}.norm2`, `${theirs}.layer_norm2`),
  ...linearRows(`${ours}.feedForward.expand`, `${theirs}.mlp.fc1`),
  ...linearRows(`${ours}.feedForward.contract`, `${theirs}.mlp.fc2`),
];

/** Both towers, their projections and the scale. */
export const clipWeights: readonly WeightRow[] = [
  { ours: "text.stack.embedding.tokens.weight", theirs: "text_model.embeddings.token_embedding.weight" },
  { ours: "text.stack.embedding.position.table", theirs: "text_model.embeddings.position_embedding.weight" },
  ...blockRows("text.stack.blocks.*", "text_model.encoder.layers.*"),
  ...normRows("text.norm", "text_model.final_layer_norm"),
  { ours: "image.vision.embedding.weight", theirs: "vision_model.embeddings.patch_embedding.weight" },
  { ours: "image.vision.prefix.0", theirs: "vision_model.embeddings.class_embedding" },
  { ours: "image.vision.position.table", theirs: "vision_model.embeddings.position_embedding.weight" },
  ...normRows("image.vision.embeddingNorm", "vision_model.pre_layrnorm"),
  ...blockRows("image.vision.blocks.*", "vision_model.encoder.layers.*"),
  ...normRows("image.heads.pooled.norm", "vision_model.post_layernorm"),
  { ours: "textProjection.weight", theirs: "text_projection.weight" },
  { ours: "imageProjection.weight", theirs: "visual_projection.weight" },
  { ours: "logScale", theirs: "logit_scale" },
];

export const clipFloatKeys = [
  "attention_dropout",
  "dropout",
  "initializer_factor",
  "initializer_range",
  "layer_norm_eps",
  "logit_scale_init_value",
];

/** Places of tokens and patches, which old files keep. */
export const isClipBuffer = (name: string): boolean => /^(text|vision)_model\.embeddings\.position_ids$/.test(name);

/**
 * CLIP in Hugging Face folders.
 *
 * @see Hugging Face transformers: models/clip/configuration_clip.py and modeling_clip.py.
 */
export const clipFamily: ModelFamily<ClipConfig, Clip> = {
  modelType: "clip",
  architectures: ["CLIPModel"],
  readConfig,
  writeConfig,
  floatKeys: clipFloatKeys,
  build: clip,
  numLayers: ({ text, image }) => text.numLayers + image.numLayers,
  weights: () => clipWeights,
  prefix: "",
  isIgnored: isClipBuffer,
};
