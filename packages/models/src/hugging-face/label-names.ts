import type { JsonObject } from "@heed/checkpoints";

/** Names of the labels of a classifier, as Python writes them; nothing for two, which is what Python means then. */
export function labelNames(count: number): JsonObject {
  if (count === 2) return {};
  const names = Array.from({ length: count }, (_, i) => `LABEL_${i}`);
  return {
    id2label: Object.fromEntries(names.map((name, i) => [String(i), name])),
    label2id: Object.fromEntries(names.map((name, i) => [name, i])),
  };
}
