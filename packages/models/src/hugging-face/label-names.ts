import type { JsonObject } from "@heed/checkpoints";

/** Names of the labels of a classifier, as Python writes them; nothing for as many as Python means then, two unless `implied` says. */
export function labelNames(count: number, implied = 2): JsonObject {
  if (count === implied) return {};
  const names = Array.from({ length: count }, (_, i) => `LABEL_${i}`);
  return {
    id2label: Object.fromEntries(names.map((name, i) => [String(i), name])),
    label2id: Object.fromEntries(names.map((name, i) => [name, i])),
  };
}
