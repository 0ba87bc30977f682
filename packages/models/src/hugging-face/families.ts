import type { JsonObject } from "@heed/checkpoints";
import { gpt2Family } from "./gpt2.ts";

/** Model families by `model_type`. */
export const families = { gpt2: gpt2Family } as const;

/** `model_type` of a family that can be loaded and saved. */
export type ModelType = keyof typeof families;

/** @throws RangeError listing the known types, if this one is not among them */
export function modelTypeOf(json: JsonObject): ModelType {
  const name = json["model_type"];
  if (typeof name === "string" && Object.hasOwn(families, name)) return name as ModelType;
  throw new RangeError(
    `loadPretrained: config.json has an unknown model_type, expected one of ${Object.keys(families).join(", ")}, got ${JSON.stringify(name)}`,
  );
}
