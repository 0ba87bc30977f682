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
export function placeOf(name: string, { weights, modelType }: Pick<ModelFamily<never>, "weights" | "modelType">, prefix: string): WeightPlace {
  const layers = name.match(/(?<=\.)\d+(?=\.)/g) ?? [];
  const pattern = name.replace(/(?<=\.)\d+(?=\.)/g, "*");
  const row: WeightRow | undefined = weights.find(({ ours }) => ours === pattern);
  if (!row) throw new RangeError(`placeOf: weight ${name} has no row in the table of ${modelType}, expected one for ${pattern}. A model with other parts than ${modelType} cannot be written as one`);
  const filled = row.theirs.split("*").reduce((text, part, i) => `${text}${layers[i - 1] ?? ""}${part}`);
  return { theirs: hasPrefix(row.theirs) ? prefix + filled : filled, transposed: row.transposed ?? false };
}
