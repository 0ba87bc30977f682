import type { JsonObject } from "@heed/checkpoints";
import { type AnyFamily, architectureOf, type ConfigOf, families, type ModelType, modelTypeOf } from "./families.ts";

/**
 * The model that a `config.json` describes, without its weights.
 *
 * A key that is absent means the family's default; the keys of `loadPretrained` are accepted and refused.
 *
 * @param options.architecture class that is meant; default the one that config.json names
 * @throws RangeError if it has an unknown model_type, key or value
 * @see Hugging Face transformers, `AutoConfig.from_pretrained`.
 * @example
 * configFromHuggingFace({ model_type: "gpt2", n_layer: 2 }).numLayers; // 2
 */
export function configFromHuggingFace(
  json: JsonObject,
  { architecture }: { readonly architecture?: string } = {},
): ConfigOf<ModelType> {
  const family: AnyFamily = families[modelTypeOf(json)];
  return family.readConfig(json, architectureOf(family, json, architecture));
}
