import type { JsonObject } from "@heed/checkpoints";
import { activationNames } from "../activations.ts";
import { sidesOf, type VitConfig } from "../vit.ts";
import type { ConfigReader } from "./config-reader.ts";
import type { WeightRow } from "./family.ts";

/** What ViT, DeiT and MAE say of their encoder in the same words. */
export type VisionBody = Required<
  Pick<
    VitConfig,
    | "imageSize"
    | "patchSize"
    | "numChannels"
    | "dModel"
    | "numLayers"
    | "numHeads"
    | "dFF"
    | "activation"
    | "qkvBias"
    | "layerNormEpsilon"
    | "dropout"
    | "attentionDropout"
    | "initStd"
  >
>;

/** One number, or rows and columns. */
export function readImageSize(read: ConfigReader, fallback: number): number | readonly [number, number] {
  const value = read.get("image_size");
  if (!Array.isArray(value)) return read.count("image_size", fallback);
  const sides = value.filter((side): side is number => Number.isSafeInteger(side) && (side as number) >= 1);
  if (value.length !== 2 || sides.length !== 2)
    return read.refuse("image_size", "a whole number >= 1 or two of them", value);
  return sides[0] === sides[1] ? sides[0]! : [sides[0]!, sides[1]!];
}

/** Square patches only. */
export function readPatchSize(read: ConfigReader, fallback: number): number {
  const value = read.get("patch_size");
  if (!Array.isArray(value)) return read.count("patch_size", fallback);
  const [rows, columns] = value;
  const isSquare = value.length === 2 && rows === columns && Number.isSafeInteger(rows) && (rows as number) >= 1;
  return isSquare ? (rows as number) : read.refuse("patch_size", "a whole number >= 1: square patches", value);
}

/** @throws RangeError naming the key whose value is unsupported */
export function readVisionBody(read: ConfigReader): VisionBody {
  return {
    imageSize: readImageSize(read, 224),
    patchSize: readPatchSize(read, 16),
    numChannels: read.count("num_channels", 3),
    dModel: read.count("hidden_size", 768),
    numLayers: read.count("num_hidden_layers", 12),
    numHeads: read.count("num_attention_heads", 12),
    dFF: read.count("intermediate_size", 3072),
    activation: read.choice("hidden_act", activationNames, "gelu"),
    qkvBias: read.boolean("qkv_bias", true),
    layerNormEpsilon: read.number("layer_norm_eps", 1e-12),
    dropout: read.number("hidden_dropout_prob", 0, 0, 1),
    attentionDropout: read.number("attention_probs_dropout_prob", 0, 0, 1),
    initStd: read.number("initializer_range", 0.02),
  };
}

/** An image size as Python writes it. */
export function writeImageSize(size: VitConfig["imageSize"]): number | number[] {
  const [rows, columns] = sidesOf(size);
  return rows === columns ? rows : [rows, columns];
}

export function writeVisionBody(config: Omit<VitConfig, "heads">): JsonObject {
  return {
    attention_probs_dropout_prob: config.attentionDropout ?? 0,
    hidden_act: config.activation ?? "gelu",
    hidden_dropout_prob: config.dropout ?? 0,
    hidden_size: config.dModel,
    image_size: writeImageSize(config.imageSize),
    initializer_range: config.initStd ?? 0.02,
    intermediate_size: config.dFF,
    layer_norm_eps: config.layerNormEpsilon ?? 1e-12,
    num_attention_heads: config.numHeads,
    num_channels: config.numChannels ?? 3,
    num_hidden_layers: config.numLayers,
    patch_size: config.patchSize,
    qkv_bias: config.qkvBias ?? true,
    torch_dtype: "float32",
  };
}

export const visionFloatKeys = [
  "attention_probs_dropout_prob",
  "hidden_dropout_prob",
  "initializer_range",
  "layer_norm_eps",
  "mask_ratio",
];

/** A linear layer: weight and bias. */
export const linearRows = (ours: string, theirs: string): WeightRow[] => [
  { ours: `${ours}.weight`, theirs: `${theirs}.weight` },
  { ours: `${ours}.bias`, theirs: `${theirs}.bias` },
];

/** A norm: gain and bias. */
export const normRows = (ours: string, theirs: string): WeightRow[] => [
  { ours: `${ours}.gain`, theirs: `${theirs}.weight` },
  { ours: `${ours}.bias`, theirs: `${theirs}.bias` },
];

/** Layers as ViT and its relatives name them. */
export const vitBlockRows = (ours: string, theirs: string): WeightRow[] => [
  ...normRows(`${ours}.norm1`, `${theirs}.layernorm_before`),
  ...["query", "key", "value"].flatMap((name) =>
    linearRows(`${ours}.attention.projection.${name}`, `${theirs}.attention.attention.${name}`),
  ),
  ...linearRows(`${ours}.attention.output`, `${theirs}.attention.output.dense`),
  ...normRows(`${ours}.norm2`, `${theirs}.layernorm_after`),
  ...linearRows(`${ours}.feedForward.expand`, `${theirs}.intermediate.dense`),
  ...linearRows(`${ours}.feedForward.contract`, `${theirs}.output.dense`),
];

/** The encoder without its heads. */
export function visionRows({ dModel, imageSize, patchSize }: VitConfig, tokens: readonly string[]): WeightRow[] {
  const [rows, columns] = sidesOf(imageSize);
  const places = tokens.length + (rows / patchSize) * (columns / patchSize);
  return [
    ...linearRows("vision.embedding", "embeddings.patch_embeddings.projection"),
    ...tokens.map((name, i) => ({ ours: `vision.prefix.${i}`, theirs: `embeddings.${name}`, shape: [1, 1, dModel] })),
    { ours: "vision.maskToken", theirs: "embeddings.mask_token", shape: [1, 1, dModel] },
    { ours: "vision.position.table", theirs: "embeddings.position_embeddings", shape: [1, places, dModel] },
    ...vitBlockRows("vision.blocks.*", "encoder.layer.*"),
    ...normRows("vision.norm", "layernorm"),
  ];
}
