import type { JsonObject } from "@heed/checkpoints";
import type { Rng } from "@heed/tensor";
import { type AnyFamily, architectureOf, type ConfigOf, families, type ModelType, modelTypeOf } from "./families.ts";
import type { Pretrained } from "./load.ts";

/** What a `config.json` is read as. */
export interface ConfigOptions {
  /** class that is meant; default the one that config.json names */
  readonly architecture?: string;
}

/**
 * The configuration of the model that a `config.json` describes.
 *
 * A key that is absent means the family's default; the keys of `loadPretrained` are accepted and refused.
 *
 * @throws RangeError if it has an unknown model_type, architecture, key or value
 * @see Hugging Face transformers, `AutoConfig.from_pretrained`.
 * @example
 * configFromHuggingFace({ model_type: "gpt2", n_layer: 2 }); // { numLayers: 2, ... }
 */
export function configFromHuggingFace(json: JsonObject, { architecture }: ConfigOptions = {}): ConfigOf<ModelType> {
  const family: AnyFamily = families[modelTypeOf(json)];
  return family.readConfig(json, architectureOf(family, json, architecture));
}

/**
 * The model that a `config.json` describes, with new weights.
 *
 * @param rng draws the weights; null leaves zeros
 * @throws RangeError if it has an unknown model_type, architecture, key or value
 * @see Hugging Face transformers, `AutoModel.from_config`.
 * @example
 * const made = modelFromHuggingFace({ model_type: "gpt2", n_layer: 1, n_embd: 8, n_head: 2, vocab_size: 11 }, rng(0));
 */
export function modelFromHuggingFace(
  json: JsonObject,
  rng: Rng | null,
  { architecture: wanted }: ConfigOptions = {},
): Pretrained {
  const modelType = modelTypeOf(json);
  const family: AnyFamily = families[modelType];
  const architecture = architectureOf(family, json, wanted);
  const config = family.readConfig(json, architecture);
  return { modelType, architecture, config, model: family.build(config, rng) } as Pretrained;
}
