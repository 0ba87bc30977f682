import type { JsonObject } from "@heed/checkpoints";
import { type BertConfig, bert } from "../bert.ts";
import type { EncoderModel } from "../encoder-model.ts";
import type { HeadConfig } from "../states-head.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ModelFamily, WeightRow } from "./family.ts";
import { labelNames } from "./label-names.ts";

/** A head as files have it. */
export interface HeadTraits {
  /** where its layers stand: name in files, beside the prefix unless it begins with "@", which stands for the prefix */
  readonly rows: Readonly<Partial<Record<"dense" | "norm" | "out", string>>>;
  /** the vector [V] of its last layer, where that is over the vocabulary */
  readonly vocabularyBias?: string;
  readonly config: (body: BodyConfig, read: ConfigReader) => HeadConfig;
}

/** Everything but the heads. */
export type BodyConfig = Omit<BertConfig, "heads">;

/** What differs between BERT and its relatives, as data. */
export interface EncoderTraits {
  readonly modelType: string;
  readonly prefix: string;
  /** names of heads by class; the class meant where config.json names none comes first */
  readonly classes: Readonly<Record<string, readonly string[]>>;
  /** the class without prefix */
  readonly bare: string;
  readonly heads: Readonly<Record<string, HeadTraits>>;
  readonly readBody: (read: ConfigReader) => BodyConfig;
  /** keys of config.json that say what the body is */
  readonly writeBody: (config: BodyConfig) => JsonObject;
  /** keys of config.json that say what the heads are */
  readonly writeHeads?: (heads: Readonly<Record<string, HeadConfig>>) => JsonObject;
  readonly bodyRows: (config: BertConfig) => readonly WeightRow[];
  /** name of the token embedding, without prefix */
  readonly embedding: string;
  /** names of copies of a tied last layer over the vocabulary, weight and bias */
  readonly tiedCopies?: { readonly weight: string; readonly bias: string };
  /** keys of config.json whose whole numbers are floats in Python */
  readonly floatKeys: readonly string[];
  /** buffers and what public checkpoints hold beside their class; default positions of old files */
  readonly isIgnored?: (name: string, config: BertConfig) => boolean;
}

/** A linear layer or a norm: weight (gain) and bias. */
export function both(ours: string, theirs: string, gain = "weight"): WeightRow[] {
  return [
    { ours: `${ours}.${gain}`, theirs: `${theirs}.weight` },
    { ours: `${ours}.bias`, theirs: `${theirs}.bias` },
  ];
}

function headRows({ heads, tiedCopies }: EncoderTraits, config: BertConfig): WeightRow[] {
  return Object.keys(config.heads ?? {}).flatMap((name) => {
    const { rows, vocabularyBias } = heads[name]!;
    const placed = Object.entries(rows).flatMap(([part, theirs]) =>
      both(`heads.${name}.${part}`, theirs.replace(/^@/, ""), part === "norm" ? "gain" : "weight").map((row) =>
        theirs.startsWith("@") ? row : { ...row, outside: true as const },
      ),
    );
    if (vocabularyBias)
      placed.push(
        { ours: `heads.${name}.out.weight`, theirs: tiedCopies!.weight, outside: true },
        { ours: `heads.${name}.out.bias`, theirs: vocabularyBias, outside: true },
      );
    return placed;
  });
}

/** All that any head of the family may hold. */
function isHeadOf({ heads, tiedCopies }: EncoderTraits): (name: string) => boolean {
  const found = Object.values(heads).flatMap(({ rows, vocabularyBias }) => [
    ...Object.values(rows).flatMap((theirs) => both("", theirs.replace(/^@/, "")).map((row) => row.theirs)),
    ...(vocabularyBias ? [vocabularyBias] : []),
  ]);
  const all = new Set([...found, ...Object.values(tiedCopies ?? {})]);
  return (name) => all.has(name);
}

const hasVocabularyHead = ({ heads = {} }: BertConfig): boolean =>
  Object.values(heads).some(({ out }) => out === "vocabulary");

/** The number of labels that a head scores, if it is one of those. */
function labelsOf(heads: Readonly<Record<string, HeadConfig>>): number {
  const out = (heads["classes"] ?? heads["tags"] ?? heads["order"])?.out;
  return typeof out === "number" ? out : 2;
}

/** Classes that predict the next token. */
const isCausalClass = (name: string): boolean => /(CausalLM|LMHeadModel)$/.test(name);

function writeConfig(traits: EncoderTraits, { heads = {}, ...body }: BertConfig): JsonObject {
  const names = Object.keys(heads).sort().join();
  const fitting = Object.entries(traits.classes).filter(([, list]) => [...list].sort().join() === names);
  const found = fitting.find(([name]) => isCausalClass(name) === (body.causal ?? false)) ?? fitting[0];
  if (!found)
    throw new RangeError(
      `savePretrained: heads of ${traits.modelType} are of no class, expected those of ${Object.keys(traits.classes).join(", ")}, got ${names || "none"}. Name the heads as they do`,
    );
  return {
    architectures: [found[0]],
    model_type: traits.modelType,
    ...traits.writeBody(body),
    ...traits.writeHeads?.(heads),
    ...labelNames(labelsOf(heads)),
    ...(body.tieHead === false && { tie_word_embeddings: false }),
    ...(body.causal && { is_decoder: true }),
    torch_dtype: "float32",
  };
}

/** A family whose folders differ from BERT's by the traits. */
export function encoderFamily(traits: EncoderTraits): ModelFamily<BertConfig, EncoderModel> {
  const { modelType, classes, heads, embedding, tiedCopies } = traits;
  return {
    modelType,
    architectures: Object.keys(classes),
    bare: [traits.bare],
    readConfig(json, architecture) {
      const read = new ConfigReader(modelType, json);
      // What is asked of classes: labels belong to some heads only.
      read.ignore("id2label", "label2id", "num_labels", "problem_type");
      read.only("is_encoder_decoder", false);
      // Where no class predicts the next token, the originals ignore it or fail.
      const causal = Object.keys(classes).some(isCausalClass) ? read.boolean("is_decoder", false) : false;
      if (!causal) read.only("is_decoder", false);
      const tieHead = read.boolean("tie_word_embeddings", true);
      const body = { ...traits.readBody(read), tieHead, ...(causal && { causal }) };
      const found = classes[architecture]!.map((name) => [name, heads[name]!.config(body, read)]);
      read.finish();
      return { ...body, heads: Object.fromEntries(found) };
    },
    writeConfig: (config) => writeConfig(traits, config),
    floatKeys: traits.floatKeys,
    build: bert,
    numLayers: ({ numLayers, sharing }) => (sharing ? sharing.numGroups * sharing.layersPerGroup : numLayers),
    weights: (config) => [...traits.bodyRows(config), ...headRows(traits, config)],
    prefix: traits.prefix,
    legacyName: (name, all) => swapBiases(traits, name.replace(/\.gamma$/, ".weight").replace(/\.beta$/, ".bias"), all),
    isIgnored: (name, config) =>
      name === "embeddings.position_ids" ||
      name === "embeddings.token_type_ids" ||
      (traits.isIgnored?.(name, config) ?? false),
    copies: (config) =>
      new Map(
        tiedCopies && hasVocabularyHead(config)
          ? [
              ...(config.tieHead === false ? [] : [[tiedCopies.weight, embedding] as const]),
              [tiedCopies.bias, biasOf(traits)] as const,
            ]
          : [],
      ),
    isHead: isHeadOf(traits),
  };
}

/**
 * Files with both biases of the last layer over the vocabulary: the copy is the one that counts. Version 4 keeps the two equal,
 * version 5 leaves the other unused where nothing is tied.
 */
function swapBiases(traits: EncoderTraits, name: string, all: ReadonlySet<string>): string {
  const [bias, copy] = [biasOf(traits), traits.tiedCopies?.bias];
  if (copy === undefined || !all.has(bias) || !all.has(copy)) return name;
  return name === bias ? copy : name === copy ? bias : name;
}

const biasOf = ({ heads }: EncoderTraits): string =>
  Object.values(heads).find(({ vocabularyBias }) => vocabularyBias)?.vocabularyBias ?? "";
