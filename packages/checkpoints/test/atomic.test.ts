import { expect, test } from "vitest";
import { writeFileAtomic } from "../src/atomic.ts";
import type { FileStore } from "../src/file-store.ts";
import { parentOf } from "../src/file-store.ts";
import { memoryFileStore } from "../src/memory-file-store.ts";
import { caught, intercept } from "./support.ts";

const old = Uint8Array.of(1, 1, 1);
const fresh = [Uint8Array.of(2), Uint8Array.of(2, 2, 2)];

test("the order of operations: write beside it, flush, rename, flush the folder", async () => {
  const operations: string[] = [];
  const store = intercept(memoryFileStore(), (operation, path) => operations.push(`${operation} ${path}`));
  await writeFileAtomic(store, "a/b/f", fresh);
  expect(operations).toEqual(["makeFolder a/b", "write a/b/f.tmp", "sync a/b/f.tmp", "rename a/b/f.tmp", "sync a/b"]);
});

test.each(["makeFolder", "write", "sync", "rename"] as const)(
  "when %s fails the old content stays and no temporary is left",
  async (failing) => {
    const files = new Map([["a/f", old]]);
    const store = intercept(memoryFileStore(files), (operation, path) => {
      if (operation !== failing) return;
      if (operation === "write") files.set(path, Uint8Array.of(2)); // the part that still fitted
      throw new Error("ENOSPC: no space left on device, write");
    });
    const { code, message } = await caught(() => writeFileAtomic(store, "a/f", fresh));
    expect(code).toBe("storage");
    expect(message).toBe(
      "writeFileAtomic: a/f could not be written: ENOSPC: no space left on device, write. The disk is full: free some space and save again; what was there before is unchanged.",
    );
    expect([...files]).toEqual([["a/f", old]]);
  },
);

test("an error while the pieces are made leaves the old content", async () => {
  const files = new Map([["f", old]]);
  const pieces = function* (): Generator<Uint8Array> {
    yield Uint8Array.of(2);
    throw new RangeError("out of memory");
  };
  expect(await caught(() => writeFileAtomic(memoryFileStore(files), "f", pieces()))).toMatchInlineSnapshot(`
    {
      "code": "storage",
      "message": "writeFileAtomic: f could not be written: out of memory. Check the path, its permissions and the disk; what was there before is unchanged.",
    }
  `);
  expect([...files]).toEqual([["f", old]]);
});

test("a folder that cannot be flushed is reported as such", async () => {
  const store = intercept(memoryFileStore(), (operation, path) => {
    if (operation === "sync" && path === "a") throw new Error("EIO: i/o error, fsync");
  });
  expect(await caught(() => writeFileAtomic(store, "a/f", fresh))).toMatchInlineSnapshot(`
    {
      "code": "storage",
      "message": "writeFileAtomic: a/f was written, but its folder could not be flushed: EIO: i/o error, fsync. Check the disk; a power cut may still undo the change.",
    }
  `);
});

test("a disk on which nothing works any more still gives the first error", async () => {
  const broken = new Proxy({} as FileStore, {
    get: (_target, name) => async () => Promise.reject(new Error(`EROFS ${String(name)}`)),
  });
  expect((await caught(() => writeFileAtomic(broken, "a/f", fresh))).message).toContain(
    "EROFS makeFolder. Check the path, its permissions and the disk",
  );
});

test("the folder of a path", () => {
  expect(["f", "a/f", "a/b/f", "/f", "/a/f", "a/b/"].map(parentOf)).toEqual(["", "a", "a/b", "/", "/a", "a"]);
});
