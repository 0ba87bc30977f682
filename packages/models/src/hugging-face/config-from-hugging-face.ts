import type { JsonObject } from "@heed/checkpoints";
import type { Gpt2Config } from "../gpt2.ts";
import { families, modelTypeOf } from "./families.ts";

/**
 * The model that a `config.json` describes, without its weights.
 *
 * A key that is absent means the family's default; the keys of `loadPretrained` are accepted and refused.
 *
 * @throws RangeError if it has an unknown model_type, key or value
 * @see Hugging Face transformers, `AutoConfig.from_pretrained`.
 * @example
 * configFromHuggingFace({ model_type: "gpt2", n_layer: 2 }).numLayers; // 2
 */
export function configFromHuggingFace(json: JsonObject): Gpt2Config {
  return families[modelTypeOf(json)].readConfig(json);
}
