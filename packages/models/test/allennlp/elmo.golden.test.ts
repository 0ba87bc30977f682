import { memoryFileStore, readJsonFile, readWeights } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { stateDict } from "@heed/nn";
import { dataSync, dispose, referenceBackend, useBackend } from "@heed/tensor";
import { golden } from "@heed/test-tools";
import { beforeAll, describe, expect, test } from "vitest";
import { elmoCharacters, loadElmo, saveElmo } from "../../src/index.ts";

const fixture = golden("elmo");

describe.skipIf(!fixture)("the recorded ELMo", () => {
  beforeAll(() => void useBackend(referenceBackend()));
  const [disk, store] = [nodeFileStore(), memoryFileStore()];
  const folder = fixture?.folder ?? "";

  test("words become the recorded ids", () => {
    const { inputs } = fixture!.find("forward");
    // The sentences stand beside the case in golden.json.
    const sentences = [["Words", "are", "not", "alone", "."], ["Two", "naïve", "cats"], ["x"]];
    const characters = elmoCharacters(sentences);
    expect([...dataSync(characters)]).toEqual([...inputs["character_ids"]!.values].map(Number));
  });

  test("saved again: the same names, bits and options", async () => {
    const loaded = await loadElmo(disk, folder);
    expect(loaded.naming).toBe("allennlp");
    await saveElmo(store, "copy", loaded);
    const [before, after] = [await readWeights(disk, folder), await readWeights(store, "copy")];
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
    for (const [name, array] of before) expect(after.get(name), name).toEqual(array);
    expect(await readJsonFile(store, "copy/options.json")).toEqual(await readJsonFile(disk, `${folder}/options.json`));
    dispose(loaded.model);
  });

  test("the published names give the same model, and stay the same when saved again", async () => {
    const [module, published] = [
      await loadElmo(disk, folder),
      await loadElmo(disk, folder, { weights: "tf-names.safetensors" }),
    ];
    expect(published.naming).toBe("published");
    const others = stateDict(published.model);
    for (const [name, x] of stateDict(module.model))
      if (!name.startsWith("mixes.")) expect(dataSync(others.get(name)!), name).toEqual(dataSync(x));
    await saveElmo(store, "published", published);
    const again = await loadElmo(store, "published");
    for (const [name, x] of stateDict(again.model)) expect(dataSync(x), name).toEqual(dataSync(others.get(name)!));
    dispose([module, published, again].map(({ model }) => model));
  });
});
