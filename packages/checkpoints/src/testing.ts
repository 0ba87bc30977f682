import { show } from "./errors.ts";
import { type FileStore, joinPath } from "./file-store.ts";

/** One named case of a contract; `run` rejects if the implementation does not keep it. */
export interface ContractCase {
  readonly name: string;
  run(): Promise<void>;
}

/** A store and an existing, empty folder in it. */
export interface StoreUnderTest {
  readonly store: FileStore;
  readonly folder: string;
}

/**
 * What every {@link FileStore} must do. It imports no test framework: `for (const c of fileStoreContract(make)) test(c.name, c.run)`.
 *
 * @param make gives a store and an empty folder, new for each case
 */
export function fileStoreContract(make: () => Promise<StoreUnderTest>): readonly ContractCase[] {
  const inFolder: MakeCase = (name, work) => ({
    name,
    run: async () => {
      const { store, folder } = await make();
      await work(store, (path) => joinPath(folder, path));
    },
  });
  return [...fileCases(inFolder), ...folderCases(inFolder)];
}

type MakeCase = (name: string, work: (store: FileStore, at: (path: string) => string) => Promise<void>) => ContractCase;

function fileCases(inFolder: MakeCase): readonly ContractCase[] {
  return [
    inFolder("what is absent has size null, an empty list, and can be removed", async (store, at) => {
      same(await store.size(at("none")), null, "size of an absent file");
      same(await store.size(at("none/deeper")), null, "size in an absent folder");
      same(await store.list(at("none")), [], "list of an absent folder");
      await store.remove(at("none"));
    }),
    inFolder("what is absent cannot be read, opened or renamed", async (store, at) => {
      await rejects(store.read(at("none")), "read");
      await rejects(store.open(at("none")), "open");
      await rejects(store.rename(at("none"), at("other")), "rename");
    }),
    inFolder("a file holds the pieces in order", async (store, at) => {
      await store.write(at("f"), [bytes(1, 2), bytes(), bytes(3)]);
      same([...(await store.read(at("f")))], [1, 2, 3], "content");
      same(await store.size(at("f")), 3, "size");
    }),
    inFolder("writing replaces a longer file", async (store, at) => {
      await store.write(at("f"), [bytes(1, 2, 3)]);
      await store.write(at("f"), [bytes(9)]);
      same([...(await store.read(at("f")))], [9], "content");
    }),
    inFolder("an empty file exists", async (store, at) => {
      await store.write(at("f"), []);
      same(await store.size(at("f")), 0, "size");
      same(await store.list(at("")), ["f"], "list");
    }),
    inFolder("what was read or written does not change the file when changed", async (store, at) => {
      const written = bytes(1, 2);
      await store.write(at("f"), [written]);
      written.fill(7);
      (await store.read(at("f"))).fill(8);
      same([...(await store.read(at("f")))], [1, 2], "content");
    }),
    inFolder("an opened file is read in pieces", async (store, at) => {
      await store.write(at("f"), [bytes(1, 2, 3, 4, 5)]);
      const source = await store.open(at("f"));
      same(source.size, 5, "size");
      same([...(await source.read(3, 2))], [4, 5], "last two bytes");
      same([...(await source.read(0, 1))], [1], "first byte");
      same([...(await source.read(2, 0))], [], "no bytes");
      await source.close();
    }),
  ];
}

function folderCases(inFolder: MakeCase): readonly ContractCase[] {
  return [
    inFolder("rename moves a file onto another", async (store, at) => {
      await store.write(at("new"), [bytes(1)]);
      await store.write(at("old"), [bytes(2)]);
      await store.rename(at("new"), at("old"));
      same([...(await store.read(at("old")))], [1], "content");
      same(await store.list(at("")), ["old"], "list");
    }),
    inFolder("rename moves a folder with its files", async (store, at) => {
      await store.makeFolder(at("a"));
      await store.write(at("a/f"), [bytes(1)]);
      await store.write(at("a/g"), [bytes(2)]);
      await store.rename(at("a"), at("b"));
      same((await store.list(at("b"))).sort(), ["f", "g"], "list");
      same(await store.list(at("a")), [], "list of the old name");
    }),
    inFolder("rename does not merge a folder into one that has files", async (store, at) => {
      for (const folder of ["a", "b"]) {
        await store.makeFolder(at(folder));
        await store.write(at(`${folder}/${folder}`), [bytes(1)]);
      }
      await rejects(store.rename(at("a"), at("b")), "rename");
      same(await store.list(at("b")), ["b"], "list");
    }),
    inFolder("list names files and folders, not what is deeper", async (store, at) => {
      await store.makeFolder(at("folder/deeper"));
      await store.write(at("folder/deeper/f"), [bytes(1)]);
      await store.write(at("file"), [bytes(1)]);
      same((await store.list(at(""))).sort(), ["file", "folder"], "list");
      same(await store.size(at("folder")), null, "size of a folder");
    }),
    inFolder("remove takes a folder with its content and nothing beside it", async (store, at) => {
      await store.makeFolder(at("a"));
      await store.write(at("a/f"), [bytes(1)]);
      await store.write(at("ab"), [bytes(2)]);
      await store.remove(at("a"));
      same(await store.list(at("")), ["ab"], "list");
    }),
    inFolder("making a folder twice and flushing files and folders is fine", async (store, at) => {
      await store.makeFolder(at("a/b"));
      await store.makeFolder(at("a/b"));
      await store.write(at("a/b/f"), [bytes(1)]);
      await store.sync(at("a/b/f"));
      await store.sync(at("a/b"));
    }),
  ];
}

function bytes(...values: number[]): Uint8Array {
  return new Uint8Array(values);
}

function same(found: unknown, expected: unknown, what: string): void {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`fileStoreContract: ${what} is wrong, expected ${show(expected)}, got ${show(found)}.`);
  }
}

async function rejects(promise: Promise<unknown>, what: string): Promise<void> {
  const failed = await promise.then(
    () => false,
    () => true,
  );
  if (!failed) throw new Error(`fileStoreContract: ${what} succeeded, expected a rejection.`);
}
