import { join } from "node:path";
import { formatHuggingFaceJson, type JsonObject, writeFileAtomic } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { tokenizerConfig } from "@heed/data";
import { savePretrained } from "@heed/models";
import type { Prepared } from "./command.ts";

/** Writes the Hugging Face folder: config.json, model.safetensors, tokenizer.json, tokenizer_config.json. */
export async function exportFolder(folder: string, { session, corpus, settings }: Prepared): Promise<void> {
  const store = nodeFileStore();
  const write = (name: string, json: JsonObject): Promise<void> =>
    writeFileAtomic(store, join(folder, name), [new TextEncoder().encode(formatHuggingFaceJson(json))]);
  await write("tokenizer.json", corpus.tokenizer.toJSON() as unknown as JsonObject);
  await write("tokenizer_config.json", tokenizerConfig({ maxSeqLen: settings.context }));
  await savePretrained(store, folder, { modelType: "gpt2", config: session.config, model: session.model });
}
