import { stateDict } from "@heed/nn";
import type { Tensor } from "@heed/tensor";
import type { Decoder } from "../decoder.ts";
import { families, type ModelType } from "./families.ts";
import type { ModelFamily, WeightRow } from "./family.ts";

/** A weight of ours with its place in a file. */
export interface WeightPlace {
  readonly theirs: string;
  readonly transposed: boolean;
}

/** Heads stand beside the model that the prefix names, not in it. */
const hasPrefix = (theirs: string): boolean => !theirs.startsWith("lm_head.");

/**
 * Where a weight of ours stands in files.
 *
 * @throws RangeError if the table has no row for it
 */
export function placeOf(
  name: string,
  { weights, modelType }: Pick<ModelFamily<never>, "weights" | "modelType">,
  prefix: string,
): WeightPlace {
  const layers = name.match(/(?<=\.)\d+(?=\.)/g) ?? [];
  const pattern = name.replace(/(?<=\.)\d+(?=\.)/g, "*");
  const row: WeightRow | undefined = weights.find(({ ours }) => ours === pattern);
  if (!row)
    throw new RangeError(
      `placeOf: weight ${name} has no row in the table of ${modelType}, expected one for ${pattern}. A model with other parts than ${modelType} cannot be written as one`,
    );
  const filled = row.theirs.split("*").reduce((text, part, i) => `${text}${layers[i - 1] ?? ""}${part}`);
  return { theirs: hasPrefix(row.theirs) ? prefix + filled : filled, transposed: row.transposed ?? false };
}

/**
 * The weights of a model by their Hugging Face names, those of the class with its head (`transformer.wte.weight`).
 *
 * @returns each with whether the file holds it transposed, as gradients and values of the original are
 * @see Hugging Face transformers, `named_parameters`.
 * @example
 * namedWeights({ modelType: "gpt2", model }).get("transformer.h.0.attn.c_attn.weight"); // { tensor, transposed: true }
 */
export function namedWeights({
  modelType,
  model,
}: {
  readonly modelType: ModelType;
  readonly model: Decoder;
}): Map<string, { readonly tensor: Tensor; readonly transposed: boolean }> {
  const family = families[modelType];
  return new Map(
    [...stateDict(model)].map(([name, tensor]) => {
      const { theirs, transposed } = placeOf(name, family, family.prefix);
      return [theirs, { tensor, transposed }];
    }),
  );
}
