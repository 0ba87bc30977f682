import type { Json, JsonObject } from "@heed/checkpoints";

/** Whether a value of config.json is an object: not null, not a list. */
export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
