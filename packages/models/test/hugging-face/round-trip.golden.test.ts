import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type FileStore, memoryFileStore, readWeights } from "@heed/checkpoints";
import { nodeFileStore } from "@heed/checkpoints/node";
import { stateDict } from "@heed/nn";
import { dataSync, dispose, referenceBackend, useBackend } from "@heed/tensor";
import { goldenRoot } from "@heed/test-tools";
import { beforeAll, expect, test } from "vitest";
import { loadPretrained, savePretrained } from "../../src/index.ts";

// Every folder that holds a checkpoint, so that one added there is checked too.
const isThere = existsSync(goldenRoot());
if (!isThere)
  console.log(
    `round-trip.golden.test.ts: skipped, because there is no ${goldenRoot()}. Set HEED_GOLDEN to the fixtures`,
  );
const folders = isThere
  ? readdirSync(goldenRoot()).filter((name) => existsSync(join(goldenRoot(), name, "config.json")))
  : [];

beforeAll(() => void useBackend(referenceBackend()));

const bytesOf = async (store: FileStore, path: string): Promise<string | null> =>
  (await store.size(path)) === null ? null : new TextDecoder().decode(await store.read(path));

test.each(folders)("%s saved again: the same names, bits and configuration", async (name) => {
  const [original, store] = [nodeFileStore(), memoryFileStore()];
  const folder = join(goldenRoot(), name);
  const loaded = await loadPretrained(original, folder);
  await savePretrained(store, "copy", loaded);
  const [before, after] = [await readWeights(original, folder), await readWeights(store, "copy")];
  expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
  for (const [key, array] of before) expect(after.get(key), key).toEqual(array);
  for (const file of ["config.json", "generation_config.json"])
    expect(await bytesOf(store, `copy/${file}`), file).toBe(await bytesOf(original, `${folder}/${file}`));
  const again = await loadPretrained(store, "copy");
  expect(again.config).toEqual(loaded.config);
  const [first, second] = [stateDict(loaded.model), stateDict(again.model)];
  expect([...second.keys()]).toEqual([...first.keys()]);
  for (const [key, tensor] of first) expect(dataSync(second.get(key)!), key).toEqual(dataSync(tensor));
  dispose([...new Set([...first.values(), ...second.values()])]);
});

test.each(folders)(
  "%s written from its configuration alone has the same names, shapes and configuration",
  async (name) => {
    const [original, store] = [nodeFileStore(), memoryFileStore()];
    const folder = join(goldenRoot(), name);
    const { origin, fresh: _, ...made } = await loadPretrained(original, folder);
    await savePretrained(store, "copy", made);
    const again = await loadPretrained(store, "copy");
    expect(again.config).toEqual(made.config);
    expect(again.architecture).toBe(made.architecture);
    const [first, second] = [stateDict(made.model), stateDict(again.model)];
    for (const [key, tensor] of first) expect(dataSync(second.get(key)!), key).toEqual(dataSync(tensor));
    expect(origin).toBeDefined();
    dispose([...new Set([...first.values(), ...second.values()])]);
  },
);
