import type { JsonObject } from "@heed/checkpoints";
import { createLinear, normalInit, zerosInit } from "@heed/nn";
import type { Rng } from "@heed/tensor";
import type { Decoder } from "../decoder.ts";
import { lastToken, meanOfTokens, SequenceClassifier } from "../sequence-classifier.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ModelFamily } from "./family.ts";
import { labelNames } from "./label-names.ts";

/** What a classifier of sequences is beside its decoder. */
export interface ClassesConfig {
  /** 1: a regression */
  readonly numLabels: number;
  /** what is not this token is real; default: what the padding of a call says */
  readonly padTokenId?: number;
}

/** The configuration of a decoder, or with `classes` of a classifier on it. */
export type Classified<Config> = Config & { readonly classes?: ClassesConfig };

/** What a wrapped family has to say of its classifier. */
export interface ClassifierTraits {
  /** its class */
  readonly architecture: string;
  /** the class of the decoder without a head */
  readonly bare: string;
  /** what it reads: the state of the last real token (default), or the mean of all */
  readonly pool?: "last" | "mean";
  /** what an absent `pad_token_id` means; default that there is none */
  readonly padTokenId?: number;
}

/** What every decoder's configuration has. */
interface DecoderSizes {
  readonly dModel: number;
  /** of what the stack gives; default dModel */
  readonly dEmbedding?: number;
  readonly tieHead?: boolean;
  readonly initStd?: number;
}

function readClasses(json: JsonObject, modelType: string, traits: ClassifierTraits): ClassesConfig {
  const read = new ConfigReader(modelType, json);
  const numLabels = read.labels();
  if (traits.pool === "mean") return { numLabels };
  const given = read.get("pad_token_id");
  if (given === null || (given === undefined && traits.padTokenId === undefined)) return { numLabels };
  return { numLabels, padTokenId: read.whole("pad_token_id", traits.padTokenId ?? 0) };
}

/**
 * A family of decoders with one more class: a classifier of sequences, whose only weight of its own is `score.weight`.
 *
 * @see Hugging Face transformers, GPT2ForSequenceClassification and its like in the other families.
 */
export function withClassifier<Config extends DecoderSizes>(
  family: ModelFamily<Config, Decoder>,
  traits: ClassifierTraits,
): ModelFamily<Classified<Config>, Decoder | SequenceClassifier> {
  const { architecture, bare } = traits;
  const build = (config: Classified<Config>, rng: Rng | null): Decoder | SequenceClassifier => {
    const { classes, ...sizes } = config;
    const decoder = family.build(sizes as unknown as Config, rng);
    if (!classes) return decoder;
    const { dModel, dEmbedding = dModel, initStd: std = 0.02 } = config;
    const weight = rng ? normalInit({ std, rng }) : zerosInit();
    return new SequenceClassifier({
      stack: decoder.stack,
      score: createLinear({ dIn: dEmbedding, dOut: classes.numLabels, weight }),
      pool: traits.pool === "mean" ? meanOfTokens() : lastToken(classes),
    });
  };
  return {
    ...family,
    architectures: [...family.architectures, architecture],
    readConfig(json, wanted) {
      if (wanted !== architecture) return family.readConfig(json, wanted);
      // Its decoder has no head; a tied one has no weights.
      return {
        ...family.readConfig(json, bare),
        tieHead: true,
        classes: readClasses(json, family.modelType, traits),
      };
    },
    writeConfig({ classes, ...config }) {
      const json = family.writeConfig(config as unknown as Config);
      if (!classes) return json;
      const { numLabels, padTokenId } = classes;
      return {
        ...json,
        architectures: [architecture],
        ...labelNames(numLabels),
        ...(padTokenId !== undefined && { pad_token_id: padTokenId }),
      };
    },
    build,
    weights: (config) => [
      ...family.weights(config),
      { ours: "score.weight", theirs: "score.weight", outside: true as const },
    ],
    copies: (config) => (config.classes ? new Map() : (family.copies?.(config) ?? new Map())),
    isHead: (name) => name === "score.weight" || (family.isHead?.(name) ?? false),
    ...(family.withZeroWeights && {
      withZeroWeights: ({ classes, ...config }: Classified<Config>) => ({
        ...family.withZeroWeights!(config as unknown as Config),
        ...(classes && { classes }),
      }),
    }),
  };
}
