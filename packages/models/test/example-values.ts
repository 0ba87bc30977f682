// What the examples in docstrings take for granted.
import { memoryFileStore } from "@heed/checkpoints";
import { rng } from "@heed/tensor";
import { type ElmoConfig, elmo, type Gpt2Config, gpt2, saveElmo, savePretrained } from "../src/index.ts";
import type { ModelTraits } from "../src/testing.ts";

export const config: Gpt2Config = { vocabSize: 11, maxSeqLen: 8, dModel: 8, numLayers: 1, numHeads: 2 };
export const model = gpt2(config, rng(0));
export const store = memoryFileStore();
await savePretrained(store, "my-gpt2", { modelType: "gpt2", config, model });

export const elmoConfig: ElmoConfig = {
  ...{ dCharacter: 2, filters: [{ size: 1, dOut: 3 }], numHighways: 1, dModel: 2, dState: 3, numLayers: 1 },
};
export const elmoModel = elmo(elmoConfig, rng(0));
await saveElmo(store, "my-elmo", { config: elmoConfig, model: elmoModel });

export const traits: ModelTraits = { make: (source) => gpt2(config, source), vocabSize: 11, maxSeqLen: 8, presets: {} };
export const test = (name: string, run: () => void): number => name.length + run.length;
