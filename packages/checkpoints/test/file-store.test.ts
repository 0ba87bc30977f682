import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { memoryFileStore } from "../src/memory-file-store.ts";
import { nodeFileStore } from "../src/node.ts";
import { fileStoreContract } from "../src/testing.ts";

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "heed-store-"));
  folders.push(folder);
  return folder;
}

describe("memoryFileStore", () => {
  for (const c of fileStoreContract(async () => ({ store: memoryFileStore(), folder: "run" }))) test(c.name, c.run);
  for (const c of fileStoreContract(async () => ({ store: memoryFileStore(), folder: "" })))
    test(`at the root: ${c.name}`, c.run);
});

describe("nodeFileStore", () => {
  for (const c of fileStoreContract(async () => ({ store: nodeFileStore(), folder: await emptyFolder() })))
    test(c.name, c.run);

  test("an opened file is read lazily and stops at its end", async () => {
    const store = nodeFileStore();
    const path = join(await emptyFolder(), "f");
    await store.write(path, [Uint8Array.of(1, 2, 3)]);
    const source = await store.open(path);
    expect([...(await source.read(2, 5))]).toEqual([3]);
    await source.close();
    await expect((async () => source.read(0, 1))()).rejects.toThrow();
  });
  test("a folder is not opened as a file", async () => {
    const folder = await emptyFolder();
    await expect(nodeFileStore().open(folder)).rejects.toThrow("no such file");
  });
});

describe("the contract notices", () => {
  const broken: Readonly<Record<string, object>> = {
    "a store that loses pieces": { write: async () => undefined },
    "a store whose remove takes too much": { remove: async () => undefined },
    "a store that lists what is deeper": { list: async () => ["file", "folder", "folder/deeper"] },
    "a store whose size is wrong": { size: async () => 7 },
  };
  test.each(Object.entries(broken))("%s", async (_name, part) => {
    const cases = fileStoreContract(async () => ({ store: { ...memoryFileStore(), ...part }, folder: "run" }));
    const failed = await Promise.all(
      cases.map((c) =>
        c.run().then(
          () => false,
          () => true,
        ),
      ),
    );
    expect(failed).toContain(true);
  });
});
