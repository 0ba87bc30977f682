import { stateDict } from "@heed/nn";
import { fromArray, gather, permute, reshape, type Tensor } from "@heed/tensor";
import { type AnyFamily, families } from "./families.ts";
import type { WeightRow } from "./family.ts";
import type { Pretrained } from "./load.ts";

/** A weight of ours with its place in a file. */
export interface WeightPlace {
  /** name in the file, prefix included */
  readonly theirs: string;
  /** how its values stand there */
  readonly row: WeightRow;
}

/** The rows of a table by our names. */
export type WeightTable = ReadonlyMap<string, WeightRow>;

export const tableOf = (rows: readonly WeightRow[]): WeightTable => new Map(rows.map((row) => [row.ours, row]));

/**
 * Where a weight of ours stands in files.
 *
 * @throws RangeError if the table has no row for it
 */
export function placeOf(name: string, table: WeightTable, modelType: string, prefix: string): WeightPlace {
  const layers = name.match(/(?<=\.)\d+(?=\.)/g) ?? [];
  const pattern = name.replace(/(?<=\.)\d+(?=\.)/g, "*");
  const row = table.get(name) ?? table.get(pattern);
  if (!row)
    throw new RangeError(
      `placeOf: weight ${name} has no row in the table of ${modelType}, expected one for ${pattern}. A model with other parts than ${modelType} cannot be written as one`,
    );
  const filled = row.theirs.split("*").reduce((text, part, i) => `${text}${layers[i - 1] ?? ""}${part}`);
  return { theirs: row.outside ? filled : prefix + filled, row };
}

/** The class of a model: the one it was loaded as, else the one that its configuration makes it. */
export function classOf({ modelType, architecture, config }: Pretrained): string {
  const family: AnyFamily = families[modelType];
  const [named] =
    architecture === undefined ? (family.writeConfig(config)["architectures"] as string[]) : [architecture];
  return named ?? family.architectures[0]!;
}

/** The distinct weights of a model with their places: a tied weight once, at its first name. */
export function placedWeights(
  model: object,
  family: AnyFamily,
  config: Pretrained["config"],
  prefix: string,
): (WeightPlace & { readonly tensor: Tensor })[] {
  const table = tableOf(family.weights(config));
  const seen = new Set<Tensor>();
  return [...stateDict(model)].flatMap(([name, tensor]) => {
    if (seen.has(tensor)) return [];
    seen.add(tensor);
    return [{ ...placeOf(name, table, family.modelType, prefix), tensor }];
  });
}

/** The shape of a weight in files. */
export function storedShape({ transposed, shape }: WeightRow, { shape: ours }: Tensor): readonly number[] {
  return shape ?? (transposed ? [...ours].reverse() : ours);
}

/** Values of ours as files have them. */
export function toStored(x: Tensor, row: WeightRow): Tensor {
  const ordered = row.rows ? takeRows(x, inverse(row.rows)) : x;
  const turned = row.transposed ? permute(ordered, [1, 0]) : ordered;
  return row.shape ? reshape(turned, row.shape) : turned;
}

/** Values of files as ours. `shape` is ours. */
export function fromStored(x: Tensor, row: WeightRow, shape: readonly number[]): Tensor {
  const shaped = row.shape ? reshape(x, row.transposed ? [...shape].reverse() : shape) : x;
  const turned = row.transposed ? permute(shaped, [1, 0]) : shaped;
  return row.rows ? takeRows(turned, row.rows) : turned;
}

function inverse(rows: readonly number[]): number[] {
  const places = new Array<number>(rows.length);
  for (const [ours, theirs] of rows.entries()) places[theirs] = ours;
  return places;
}

function takeRows(x: Tensor, rows: readonly number[]): Tensor {
  return gather(x, fromArray(Int32Array.from(rows), [rows.length], { dtype: "int32", backend: x.backend }), {
    axis: 0,
  });
}

/**
 * The weights of a model by their Hugging Face names, those of its class (`transformer.wte.weight`).
 *
 * @returns each with a function that brings it, or its gradient, into the layout of the files
 * @see Hugging Face transformers, `named_parameters`.
 * @example
 * namedWeights({ modelType: "gpt2", config, model }).get("transformer.h.0.attn.c_attn.weight"); // { tensor, asStored }
 */
export function namedWeights(
  pretrained: Pretrained,
): Map<string, { readonly tensor: Tensor; readonly asStored: (x: Tensor) => Tensor }> {
  const family: AnyFamily = families[pretrained.modelType];
  const { config, model } = pretrained;
  const prefix = family.bare?.includes(classOf(pretrained)) ? "" : family.prefix;
  return new Map(
    placedWeights(model, family, config, prefix).map(({ theirs, row, tensor }) => [
      theirs,
      { tensor, asStored: (x: Tensor) => toStored(x, row) },
    ]),
  );
}
