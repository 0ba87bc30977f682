import type { JsonObject } from "@heed/checkpoints";
import type { Rng } from "@heed/tensor";
import type { Decoder } from "../decoder.ts";

/** One weight: our name, theirs, and whether they store it transposed. `*` stands for a layer number. */
export interface WeightRow {
  readonly ours: string;
  readonly theirs: string;
  /** they store [in, out] */
  readonly transposed?: true;
}

/**
 * How a family of models is written in Hugging Face folders. A new family is a new value and a line in `families`.
 */
export interface ModelFamily<Config> {
  /** `model_type` in config.json */
  readonly modelType: string;
  /** Their configuration in our words. @throws RangeError naming a key that is unknown or a value that is unsupported */
  readConfig(json: JsonObject): Config;
  /** Ours in theirs. */
  writeConfig(config: Config): JsonObject;
  /** keys of config.json whose whole numbers are floats in Python */
  readonly floatKeys: readonly string[];
  build(config: Config, rng: Rng | null): Decoder;
  readonly weights: readonly WeightRow[];
  /** in front of names in files of the model with its head; files of the bare model have none */
  readonly prefix: string;
  /** names in files, without the prefix, that hold nothing to load */
  isIgnored(name: string, config: Config): boolean;
  /** Weights that their model has and ours leaves out because they are 0, with their shapes. */
  zeroWeights(config: Config): ReadonlyMap<string, readonly number[]>;
  /** The same model with these weights. */
  withZeroWeights(config: Config): Config;
}
