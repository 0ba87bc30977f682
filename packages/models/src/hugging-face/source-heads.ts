import type { Json, JsonObject } from "@heed/checkpoints";
import { normalInit, zerosInit } from "@heed/nn";
import type { Rng } from "@heed/tensor";
import type { EncoderDecoder } from "../encoder-decoder.ts";
import { EncoderDecoderModel } from "../encoder-decoder-model.ts";
import { lastEndToken } from "../last-end-token.ts";
import { startingWith, startingWithLast } from "../source-shift.ts";
import { createHeads, type HeadConfig } from "../states-head.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ModelFamily } from "./family.ts";
import { headRows } from "./head-rows.ts";
import { labelNames } from "./label-names.ts";

/** How an encoder-decoder reads one text with both stacks, and what heads find in it. */
export interface ReadingConfig {
  /** by name: `classes` scores whole texts, `span` the two ends of an answer */
  readonly heads: Readonly<Record<string, HeadConfig>>;
  /** what the decoder begins with; "last": the last token of each text that is no padding */
  readonly startId: number | "last";
  readonly paddingId: number;
  /** heads read the state of the last of these; default every state */
  readonly endId?: number;
}

/** The configuration of an encoder-decoder, or with `reading` of one with heads. */
export type Reading<Config> = Config & { readonly reading?: ReadingConfig };

/** What a family has to say of its classes with heads. */
export interface SourceHeadsTraits<Config> {
  /** in front of names of classes */
  readonly className: string;
  readonly build: (config: Config, rng: Rng | null) => EncoderDecoder;
  /** standard deviation of the first weights of heads */
  readonly std: (config: Config) => number;
  /** what absent keys mean */
  readonly defaults: {
    readonly numLabels: number;
    readonly paddingId: number;
    /** null: config.json must say */
    readonly startId: number | "last" | null;
    readonly endId: number;
  };
  /** the class that finds answers has two labels whatever config.json says */
  readonly alwaysTwoEnds?: boolean;
}

/** Where the layers of heads stand in files. */
const places = {
  classes: { dense: "classification_head.dense", out: "classification_head.out_proj" },
  span: { out: "qa_outputs" },
} as const;

const rows = headRows(places);
const headNames: ReadonlySet<string> = new Set(rows.map(({ theirs }) => theirs));

/** A token that must be known; a list of several is not one. */
function tokenId(read: ConfigReader, key: string, fallback: number | null): number {
  const value: Json | undefined = read.get(key) === undefined ? (fallback ?? undefined) : read.get(key);
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
    ? value
    : read.refuse(key, "one token id", value);
}

function readReading<Config extends { readonly dModel: number }>(
  read: ConfigReader,
  { defaults, alwaysTwoEnds = false }: SourceHeadsTraits<Config>,
  { dModel }: Config,
  isSpan: boolean,
): ReadingConfig {
  const startId = defaults.startId === "last" ? "last" : tokenId(read, "decoder_start_token_id", defaults.startId);
  const shift = { startId, paddingId: tokenId(read, "pad_token_id", defaults.paddingId) } as const;
  const numLabels = read.labels(defaults.numLabels);
  if (isSpan && numLabels !== 2 && !alwaysTwoEnds) read.refuse("num_labels", "2, the ends of an answer", numLabels);
  if (isSpan) return { ...shift, heads: { span: { tokens: "each", out: 2 } } };
  const dropout = read.number("classifier_dropout", 0, 0, 1);
  const dense = { dOut: dModel, activation: "tanh" } as const;
  return {
    ...shift,
    endId: tokenId(read, "eos_token_id", defaults.endId),
    heads: { classes: { tokens: "each", dropoutBefore: dropout, dense, dropout, out: numLabels } },
  };
}

function writeReading({ heads, startId, paddingId, endId }: ReadingConfig, impliedLabels: number): JsonObject {
  const { out } = (heads["classes"] ?? heads["span"])!;
  return {
    classifier_dropout: heads["classes"]?.dropout ?? 0,
    ...(startId !== "last" && { decoder_start_token_id: startId }),
    ...(endId !== undefined && { eos_token_id: endId }),
    pad_token_id: paddingId,
    ...labelNames(out as number, impliedLabels),
  };
}

function withHeads(
  { encoder, decoder, outputDropout }: EncoderDecoder,
  { heads, startId, paddingId, endId }: ReadingConfig,
  options: Parameters<typeof createHeads>[1],
): EncoderDecoderModel {
  return new EncoderDecoderModel({
    ...{ encoder, decoder, outputDropout },
    shift: startId === "last" ? startingWithLast({ paddingId }) : startingWith(startId),
    pool: endId === undefined ? undefined : lastEndToken({ endId }),
    heads: createHeads(heads, options),
  });
}

/**
 * A family of encoder-decoders with two more classes, whose heads read the decoder's states of the source: one scores whole
 * texts, one finds where an answer begins and ends.
 *
 * @see Hugging Face transformers, BartForSequenceClassification and BartForQuestionAnswering, and those of the relatives.
 */
export function withSourceHeads<Config extends { readonly dModel: number }, Model extends object>(
  family: ModelFamily<Config, Model>,
  traits: SourceHeadsTraits<Config>,
): ModelFamily<Reading<Config>, Model | EncoderDecoderModel> {
  const { className, defaults } = traits;
  const classes = { classes: `${className}ForSequenceClassification`, span: `${className}ForQuestionAnswering` };
  return {
    ...family,
    architectures: [...family.architectures, classes.classes, classes.span],
    readConfig(json, architecture) {
      const isSpan = architecture === classes.span;
      if (!isSpan && architecture !== classes.classes) return family.readConfig(json, architecture);
      const config = family.readConfig(json, `${className}Model`);
      return { ...config, reading: readReading(new ConfigReader(family.modelType, json), traits, config, isSpan) };
    },
    writeConfig({ reading, ...config }) {
      const json = family.writeConfig(config as unknown as Config);
      if (!reading) return json;
      return {
        ...json,
        architectures: [reading.heads["span"] ? classes.span : classes.classes],
        ...writeReading(reading, defaults.numLabels),
      };
    },
    build({ reading, ...rest }, rng) {
      const config = rest as unknown as Config;
      if (!reading) return family.build(config, rng);
      const weight = rng ? normalInit({ std: traits.std(config), rng }) : zerosInit();
      return withHeads(traits.build(config, rng), reading, { dModel: config.dModel, weight });
    },
    weights: (config) => [...family.weights(config), ...(config.reading ? rows : [])],
    isHead: (name) => headNames.has(name) || (family.isHead?.(name) ?? false),
  };
}
