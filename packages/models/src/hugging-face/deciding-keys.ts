import type { JsonObject } from "@heed/checkpoints";
import { createMetaBackend, formatShape, scope, withBackend } from "@heed/tensor";
import type { AnyFamily } from "./families.ts";
import { isObject } from "./is-object.ts";
import { placedWeights, storedShape } from "./names.ts";

/** Shapes of weights by their names in files, found without memory. */
function shapesOf(family: AnyFamily, json: JsonObject, architecture: string, prefix: string): Map<string, string> {
  return withBackend(createMetaBackend(), () => {
    const shapes = new Map<string, string>();
    scope(() => {
      const config = family.readConfig(json, architecture);
      for (const { theirs, row, tensor } of placedWeights(family.build(config, null), family, config, prefix))
        shapes.set(theirs, formatShape(storedShape(row, tensor)));
    });
    return shapes;
  });
}

/** config.json with each of its whole numbers doubled in turn, those in objects inside too. */
function* doubled(json: JsonObject, path = ""): Generator<readonly [key: string, json: JsonObject]> {
  for (const [key, value] of Object.entries(json)) {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1)
      yield [path + key, { ...json, [key]: 2 * value }];
    else if (isObject(value))
      for (const [inner, changed] of doubled(value, `${path}${key}.`)) yield [inner, { ...json, [key]: changed }];
  }
}

/**
 * The keys of config.json that decide the shape of a weight: those whose change changes it.
 *
 * Found by trying, so that no table has to say it for each weight of each family.
 */
export function decidingKeys({
  family,
  json,
  architecture,
  prefix,
}: DecidingOptions): (name: string) => readonly string[] {
  let found: Map<string, string[]> | undefined;
  const find = (): Map<string, string[]> => {
    const plain = shapesOf(family, json, architecture, prefix);
    const keys = new Map<string, string[]>();
    for (const [key, changed] of doubled(json)) {
      let shapes: Map<string, string>;
      try {
        shapes = shapesOf(family, changed, architecture, prefix);
      } catch {
        continue; // Not every number may be doubled alone.
      }
      for (const [name, shape] of plain)
        if (shapes.has(name) && shapes.get(name) !== shape) keys.set(name, [...(keys.get(name) ?? []), key]);
    }
    return keys;
  };
  return (name) => {
    found ??= find();
    return found.get(name) ?? [];
  };
}

/** What {@link decidingKeys} tries. */
export interface DecidingOptions {
  readonly family: AnyFamily;
  readonly json: JsonObject;
  readonly architecture: string;
  readonly prefix: string;
}
