import type { JsonObject } from "@heed/checkpoints";
import type { Rng } from "@heed/tensor";

/** One weight: our name and theirs, and how its values stand in files. `*` stands for a layer number. */
export interface WeightRow {
  readonly ours: string;
  readonly theirs: string;
  /** they store [in, out] */
  readonly transposed?: true;
  /** stands beside the model that the prefix names, as heads do */
  readonly outside?: true;
  /** our row i is their row rows[i]: another order of heads, say */
  readonly rows?: readonly number[];
  /** their shape, where the same values have another one here */
  readonly shape?: readonly number[];
}

/**
 * How a family of models is written in Hugging Face folders. A new family is a new value and a line in `families`.
 */
export interface ModelFamily<Config, Model extends object> {
  /** `model_type` in config.json */
  readonly modelType: string;
  /** classes that can be built; the first is meant where config.json names none */
  readonly architectures: readonly string[];
  /** those whose names in files have no prefix; default none */
  readonly bare?: readonly string[];
  /** Their configuration in our words. @throws RangeError naming a key that is unknown or a value that is unsupported */
  readConfig(json: JsonObject, architecture: string): Config;
  /** Ours in theirs, `architectures` included. */
  writeConfig(config: Config): JsonObject;
  /** keys of config.json whose whole numbers are floats in Python */
  readonly floatKeys: readonly string[];
  build(config: Config, rng: Rng | null): Model;
  /** layers in all: more of them than weights in the files are refused before anything is built */
  numLayers(config: Config): number;
  weights(config: Config): readonly WeightRow[];
  /** in front of names in files of models with a head; "" if there is none */
  readonly prefix: string;
  /** today's name of a weight in an old file that holds all these, both without prefix; default the same */
  legacyName?(name: string, all: ReadonlySet<string>): string;
  /** names in files, without the prefix, that hold nothing to load, such as buffers */
  isIgnored(name: string, config: Config): boolean;
  /** Names in files, without the prefix, that repeat a tied weight, each with the name of that weight. */
  copies?(config: Config): ReadonlyMap<string, string>;
  /** whether a name, without the prefix, belongs to a head, which another class of the family may lack; default none does */
  isHead?(name: string): boolean;
  /** Weights that their model has and ours leaves out because they are 0, with their shapes; default none. */
  zeroWeights?(config: Config): ReadonlyMap<string, readonly number[]>;
  /** The same model with these weights. */
  withZeroWeights?(config: Config): Config;
}
