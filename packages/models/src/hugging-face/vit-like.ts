import type { JsonObject } from "@heed/checkpoints";
import { activationNames } from "../activations.ts";
import type { ImageModel } from "../image-model.ts";
import type { HeadConfig } from "../states-head.ts";
import { type VitConfig, vit } from "../vit.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ModelFamily, WeightRow } from "./family.ts";
import { outside } from "./head-rows.ts";
import { labelNames } from "./label-names.ts";
import {
  linearRows,
  readVisionBody,
  type VisionBody,
  visionFloatKeys,
  visionRows,
  writeVisionBody,
} from "./vision-body.ts";

/** What differs between ViT and DeiT, as data. */
export interface VitTraits {
  readonly modelType: string;
  readonly prefix: string;
  readonly bare: string;
  readonly tokens: readonly string[];
  /** what that is in our words */
  readonly prefixTokens: NonNullable<VitConfig["prefix"]>;
  /** names of heads by class; the class meant where config.json names none comes first */
  readonly classes: Readonly<Record<string, readonly string[]>>;
  /** where the last layers of classifiers stand in files, by the names of heads and the class */
  readonly classifier: (head: string, heads: readonly string[]) => string;
  /** all names that classifiers have in files */
  readonly classifiers: readonly string[];
}

/** Version 4 takes DeiT's states without the first and the last for those of patches; version 5 those of patches. */
function patchTokens(prefix: VitTraits["prefixTokens"], read: ConfigReader): HeadConfig["tokens"] {
  const version = read.get("transformers_version");
  if (prefix === "class") return "each behind the first";
  return typeof version === "string" && Number.parseInt(version, 10) >= 5
    ? "each behind the second"
    : "each but the ends";
}

/** A head by its name. */
function headOf(name: string, { prefixTokens }: VitTraits, body: VisionBody, read: ConfigReader): HeadConfig {
  const stride = read.count("encoder_stride", 16);
  const activation = read.choice("pooler_act", activationNames, "tanh");
  const pooledSize = read.countOrNull("pooler_output_size", body.dModel);
  if (name === "pooled") return { tokens: "first", dense: { dOut: pooledSize, activation } };
  if (name === "pixels") return { tokens: patchTokens(prefixTokens, read), out: stride * stride * body.numChannels };
  return { tokens: name === "distilled" ? "second" : "first", out: read.labels() };
}

/** The side of the square of pixels that a head rebuilds for each patch. */
const strideOf = (out: HeadConfig["out"], numChannels: number): number => Math.sqrt(Number(out) / numChannels);

/** Our order of the values of a patch is row, column, channel; theirs is channel, row, column. */
function pixelRows({ heads, numChannels = 3, dModel }: VitConfig): WeightRow[] {
  const out = Number(heads?.["pixels"]?.out ?? 0);
  const area = out / numChannels;
  const rows = Array.from({ length: out }, (_, i) => (i % numChannels) * area + Math.floor(i / numChannels));
  return [
    { ours: "heads.pixels.out.weight", theirs: "decoder.0.weight", outside: true, rows, shape: [out, dModel, 1, 1] },
    { ours: "heads.pixels.out.bias", theirs: "decoder.0.bias", outside: true, rows },
  ];
}

function weightRows(traits: VitTraits, config: VitConfig): WeightRow[] {
  const names = Object.keys(config.heads ?? {});
  return [
    ...visionRows(config, traits.tokens),
    ...linearRows("heads.pooled.dense", "pooler.dense"),
    ...(names.includes("pixels") ? pixelRows(config) : []),
    ...["classes", "distilled"].flatMap((name) =>
      outside(linearRows(`heads.${name}.out`, traits.classifier(name, names))),
    ),
  ];
}

/** The class of a configuration. @throws RangeError if there is none */
function classOf({ modelType, classes, prefixTokens }: VitTraits, config: VitConfig): string {
  const names = Object.keys(config.heads ?? {}).sort();
  const found = Object.entries(classes).find(([, list]) => [...list].sort().join() === names.join());
  if (!found)
    throw new RangeError(
      `savePretrained: heads of ${modelType} are of no class, expected those of ${Object.keys(classes).join(", ")}, got ${names.join() || "none"}. Name the heads as they do`,
    );
  const choices = {
    stem: ["patches", config.stem],
    // Fixed positions are written as the table they are, and learned from then on.
    positions: ["learned", config.positions === "sinusoidal" ? "learned" : config.positions],
    prefix: [prefixTokens, config.prefix ?? "class"],
    embeddingDropout: [config.dropout ?? 0, config.embeddingDropout],
    maskToken: [names.includes("pixels"), config.maskToken ?? false],
  };
  for (const [key, [expected, value]] of Object.entries(choices))
    if (value !== undefined && value !== expected)
      throw new RangeError(
        `savePretrained: ${key} of ${modelType} cannot be written, expected ${expected} for ${found[0]}, got ${value}`,
      );
  for (const [name, tokens] of [
    ["classes", "first"],
    ["distilled", "second"],
  ] as const) {
    const head = config.heads?.[name];
    if (head && (head.tokens !== tokens || head.dense || head.norm || head.dropout || head.dropoutBefore))
      throw new RangeError(
        `savePretrained: heads.${name} of ${modelType} cannot be written, expected one layer on the ${tokens} token, got ${JSON.stringify(head)}`,
      );
  }
  return found[0];
}

function writeConfig(traits: VitTraits, config: VitConfig): JsonObject {
  const { numChannels = 3, heads = {} } = config;
  const { pooled, pixels, classes } = heads;
  const differs = pooled?.dense && (pooled.dense.activation !== "tanh" || pooled.dense.dOut !== config.dModel);
  return {
    architectures: [classOf(traits, config)],
    model_type: traits.modelType,
    ...writeVisionBody(config),
    encoder_stride: pixels ? strideOf(pixels.out, numChannels) : 16,
    ...(differs && { pooler_act: pooled.dense!.activation, pooler_output_size: pooled.dense!.dOut }),
    ...(classes && labelNames(Number(classes.out))),
    ...(pixels?.tokens === "each behind the second" && { transformers_version: "5.0.0" }),
  };
}

/** A family whose folders differ from ViT's by the traits. */
export function vitFamily(traits: VitTraits): ModelFamily<VitConfig, ImageModel> {
  const { modelType, classes, prefixTokens: prefix } = traits;
  return {
    modelType,
    architectures: Object.keys(classes),
    bare: [traits.bare],
    readConfig(json, architecture) {
      const read = new ConfigReader(modelType, json);
      const body = readVisionBody(read);
      const heads = classes[architecture]!.map((name) => [name, headOf(name, traits, body, read)]);
      read.ignore("id2label", "label2id", "num_labels", "encoder_stride", "pooler_act", "pooler_output_size");
      read.finish();
      const maskToken = classes[architecture]!.includes("pixels");
      return { ...body, prefix, maskToken, heads: Object.fromEntries(heads) };
    },
    writeConfig: (config) => writeConfig(traits, config),
    floatKeys: visionFloatKeys,
    build: vit,
    numLayers: ({ numLayers }) => numLayers,
    weights: (config) => weightRows(traits, config),
    prefix: traits.prefix,
    isIgnored: () => false,
    isHead: (name) =>
      name === "embeddings.mask_token" ||
      ["pooler.dense", "decoder.0", ...traits.classifiers].some(
        (part) => name === `${part}.weight` || name === `${part}.bias`,
      ),
  };
}
