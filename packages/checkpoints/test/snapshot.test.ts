import { describe, expect, test } from "vitest";
import type { NamedArray } from "../src/dtype.ts";
import type { FileStore } from "../src/file-store.ts";
import { memoryFileStore } from "../src/memory-file-store.ts";
import { listSnapshots, loadLatestSnapshot, loadSnapshot, type Snapshot, saveSnapshot } from "../src/snapshot.ts";
import { concatBytes, encodeUtf8 } from "../src/text.ts";
import { caught, intercept, randomInts } from "./support.ts";

function snapshotAt(step: number): Snapshot {
  const weights = new Map<string, NamedArray>([
    ["wte", { dtype: "F32", shape: [2, 3], values: Float32Array.from({ length: 6 }, (_, i) => step + i / 3) }],
    ["step", { dtype: "I64", shape: [], values: BigInt64Array.of(BigInt(step)) }],
  ]);
  const optimizer = new Map<string, NamedArray>([
    ["wte.m", { dtype: "F32", shape: [2], values: Float32Array.of(NaN, -0) }],
  ]);
  return {
    step,
    settings: { layers: 2, lr: 1e-3, name: "é" },
    state: {
      rng: { seed: 7, counter: 2 ** 53 - 1 },
      cursor: [1, 2],
      metrics: [{ loss: 0.1 + 0.2, delta: -0, tiny: 5e-324 }],
    },
    arrays: { weights, optimizer },
  };
}

async function savedRun(steps: number, keep?: number): Promise<{ files: Map<string, Uint8Array>; store: FileStore }> {
  const files = new Map<string, Uint8Array>();
  const store = memoryFileStore(files);
  for (let step = 1; step <= steps; step++)
    await saveSnapshot(store, "run", snapshotAt(step), keep === undefined ? {} : { keep });
  return { files, store };
}

test("everything comes back, bit for bit", async () => {
  const { files, store } = await savedRun(1);
  expect([...files.keys()]).toEqual(
    ["weights.safetensors", "optimizer.safetensors", "state.json", "manifest.json"].map(
      (name) => `run/snapshot-000001/${name}`,
    ),
  );
  const { snapshot, name, rejected } = await loadLatestSnapshot(store, "run");
  expect(snapshot).toEqual(snapshotAt(1)); // toEqual tells -0 from 0 and knows NaN
  expect({ name, rejected }).toEqual({ name: "snapshot-000001", rejected: [] });
});

test("the same snapshot gives the same bytes", async () => {
  expect((await savedRun(2)).files).toEqual((await savedRun(2)).files);
});

test("the newest is loaded and the last two are kept, or as many as asked for", async () => {
  const { store } = await savedRun(5);
  expect(await listSnapshots(store, "run")).toEqual(["snapshot-000005", "snapshot-000004"]);
  expect((await loadLatestSnapshot(store, "run")).snapshot.step).toBe(5);
  expect((await loadSnapshot(store, "run/snapshot-000004")).step).toBe(4);
  expect(await listSnapshots((await savedRun(5, 1)).store, "run")).toHaveLength(1);
  expect(await listSnapshots((await savedRun(5, 10)).store, "run")).toHaveLength(5);
});

test("numbers grow past six digits, and other entries of the folder are left alone", async () => {
  const { files, store } = await savedRun(1);
  await store.rename("run/snapshot-000001", "run/snapshot-999999");
  files.set("run/notes.txt", Uint8Array.of(1));
  files.set("run/snapshot-x/f", Uint8Array.of(1));
  expect(await saveSnapshot(store, "run", snapshotAt(2))).toBe("snapshot-1000000");
  expect(await listSnapshots(store, "run")).toEqual(["snapshot-1000000", "snapshot-999999"]);
  expect((await loadLatestSnapshot(store, "run")).snapshot.step).toBe(2);
  expect((await store.list("run")).sort()).toEqual(["notes.txt", "snapshot-1000000", "snapshot-999999", "snapshot-x"]);
});

test("the order of operations: manifest last, flushed, renamed, parent flushed, and only then old ones removed", async () => {
  const { store } = await savedRun(2);
  const operations: string[] = [];
  const spy = intercept(store, (operation, path) =>
    operations.push(`${operation} ${path.replace("run/unfinished-snapshot-000003", "TMP")}`),
  );
  await saveSnapshot(spy, "run", snapshotAt(3));
  expect(operations.filter((operation) => /^(makeFolder|write|sync|rename|remove)/.test(operation))).toEqual([
    "makeFolder TMP",
    "write TMP/weights.safetensors",
    "sync TMP/weights.safetensors",
    "write TMP/optimizer.safetensors",
    "sync TMP/optimizer.safetensors",
    "write TMP/state.json",
    "sync TMP/state.json",
    "write TMP/manifest.json",
    "sync TMP/manifest.json",
    "sync TMP",
    "rename TMP",
    "sync run",
    "remove run/snapshot-000001",
  ]);
});

describe("a save that does not finish", () => {
  test("killed after any operation: the last whole snapshot loads without a rejection, and the next save cleans up", async () => {
    let stops = 0;
    for (let count = 0; stops === 0 || count >= stops; stops++) {
      const { files } = await savedRun(3);
      count = 0;
      const store = intercept(memoryFileStore(files), (operation, path) => {
        if (count++ < stops) return;
        if (operation === "write" && count === stops + 1) files.set(path, Uint8Array.of(1, 2, 3)); // what had reached the disk
        throw new Error("killed");
      });
      await caught(() => saveSnapshot(store, "run", snapshotAt(4)));
      const after = memoryFileStore(files);
      const { snapshot, rejected } = await loadLatestSnapshot(after, "run");
      expect([snapshotAt(3), snapshotAt(4)], `stopped after ${stops}`).toContainEqual(snapshot);
      expect(rejected).toEqual([]);
      await saveSnapshot(after, "run", snapshotAt(5));
      expect((await after.list("run")).filter((name) => !name.startsWith("snapshot-"))).toEqual([]);
      expect(await listSnapshots(after, "run")).toHaveLength(2);
    }
    expect(stops).toBeGreaterThan(15);
  });

  test.each(["makeFolder", "write", "sync", "rename"] as const)(
    "when %s fails once, the temporary is removed and the error says why",
    async (failing) => {
      const { files, store } = await savedRun(2);
      const before = new Map(files);
      const full = intercept(store, (operation, path) => {
        if (operation !== failing) return;
        if (operation === "write") files.set(path, Uint8Array.of(1));
        throw new Error("ENOSPC: no space left on device, write");
      });
      const { code, message } = await caught(() => saveSnapshot(full, "run", snapshotAt(3)));
      expect(code).toBe("storage");
      expect(message).toBe(
        "saveSnapshot: run/snapshot-000003 could not be written: ENOSPC: no space left on device, write. The disk is full: free some space and save again; what was there before is unchanged.",
      );
      expect(files).toEqual(before);
    },
  );
});

describe("a damaged newest snapshot is passed over, with the reason", () => {
  type Damage = (files: Map<string, Uint8Array>, at: string) => void;
  const change =
    (name: string, edit: (bytes: Uint8Array) => Uint8Array): Damage =>
    (files, at) =>
      files.set(at + name, edit(files.get(at + name)!));
  const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === bytes.length - 2 ? byte ^ 4 : byte));
  const text =
    (edit: (text: string) => string) =>
    (bytes: Uint8Array): Uint8Array =>
      encodeUtf8(edit(new TextDecoder().decode(bytes)));
  const damages: Record<string, Damage> = {
    "weights cut short": change("weights.safetensors", (bytes) => bytes.slice(0, -5)),
    "weights with a flipped bit": change("weights.safetensors", flip),
    "weights with bytes appended": change("weights.safetensors", (bytes) => concatBytes([bytes, Uint8Array.of(0)])),
    "weights missing": (files, at) => files.delete(`${at}weights.safetensors`),
    "weights empty": change("weights.safetensors", () => new Uint8Array()),
    "state changed": change(
      "state.json",
      text((s) => s.replace("0.001", "0.002")),
    ),
    "state missing": (files, at) => files.delete(`${at}state.json`),
    "manifest missing": (files, at) => files.delete(`${at}manifest.json`),
    "manifest cut short": change("manifest.json", (bytes) => bytes.slice(0, 30)),
    "manifest with a changed checksum": change(
      "manifest.json",
      text((s) => s.replace(/"crc32": \d/, '"crc32": 9')),
    ),
    "manifest with another space": change(
      "manifest.json",
      text((s) => s.replace('"files": {', '"files":  {')),
    ),
    "manifest without a file": change(
      "manifest.json",
      text((s) => s.replace(/ {4}"optimizer[^}]*},\n/, "")),
    ),
    "manifest that names a path": change(
      "manifest.json",
      text((s) => s.replace('"optimizer.safetensors"', '"../optimizer.safetensors"')),
    ),
    "another version": change(
      "manifest.json",
      text((s) => s.replace('"version": 1', '"version": 2')),
    ),
    "two manifests mixed up": change("manifest.json", () => encodeUtf8('{\n  "files": {},\n  "version": 1\n}\n')),
  };
  test.each(Object.entries(damages))("%s", async (what, damage) => {
    const { files, store } = await savedRun(2);
    damage(files, "run/snapshot-000002/");
    const { snapshot, name, rejected } = await loadLatestSnapshot(store, "run");
    expect(snapshot).toEqual(snapshotAt(1));
    expect(name).toBe("snapshot-000001");
    expect(rejected.map((one) => one.name)).toEqual(["snapshot-000002"]);
    expect({ what, reason: rejected[0]?.reason }).toMatchSnapshot();
  });

  test("any byte of any file changed by any amount: 3,000 seeded changes, none loaded", async () => {
    const random = randomInts(11);
    const { files, store } = await savedRun(1);
    const paths = [...files.keys()];
    for (let round = 0; round < 3000; round++) {
      const path = paths[random(paths.length)]!;
      const good = files.get(path)!;
      const bad = good.slice();
      const at = random(bad.length);
      bad[at] = bad[at]! ^ (1 + random(255));
      files.set(path, bad);
      const { code } = await caught(() => loadSnapshot(store, "run/snapshot-000001"));
      expect(["damaged", "json", "version", "truncated"], `${path} byte ${at}`).toContain(code);
      files.set(path, good);
    }
    expect((await loadLatestSnapshot(store, "run")).snapshot).toEqual(snapshotAt(1));
  });

  test("none is whole", async () => {
    const { files, store } = await savedRun(2);
    files.delete("run/snapshot-000001/state.json");
    files.set("run/snapshot-000002/weights.safetensors", new Uint8Array(3));
    expect(await caught(() => loadLatestSnapshot(store, "run"))).toMatchInlineSnapshot(`
      {
        "code": "damaged",
        "message": "loadLatestSnapshot: run has no usable snapshot, expected at least one whole, got snapshot-000002 (loadSnapshot: run/snapshot-000002/weights.safetensors has another size than recorded, expected 192 bytes, got 3. Use an earlier snapshot.); snapshot-000001 (loadSnapshot: run/snapshot-000001/state.json is missing, expected a file. Check the path.). Start the run anew.",
      }
    `);
  });
  test("there is none", async () =>
    expect(await caught(() => loadLatestSnapshot(memoryFileStore(), "run"))).toMatchInlineSnapshot(`
    {
      "code": "missing",
      "message": "loadLatestSnapshot: run has no snapshot, expected a folder called snapshot-000001 or so. Check the path, or start the run anew.",
    }
  `));
  test("a disk that fails is no damage of one snapshot but still no crash", async () => {
    const { store } = await savedRun(2);
    const failing = intercept(store, (operation, path) => {
      if (operation === "read" && path.includes("000002/weights")) throw new Error("EIO: i/o error, read");
    });
    const { snapshot, rejected } = await loadLatestSnapshot(failing, "run");
    expect(snapshot.step).toBe(1);
    expect(rejected).toMatchInlineSnapshot(`
      [
        {
          "name": "snapshot-000002",
          "reason": "loadSnapshot: run/snapshot-000002/weights.safetensors could not be read: EIO: i/o error, read. Check the path, its permissions and the disk.",
        },
      ]
    `);
  });
  test("a damaged snapshot does not count among those kept", async () => {
    const { files, store } = await savedRun(2);
    files.delete("run/snapshot-000002/weights.safetensors");
    await saveSnapshot(store, "run", snapshotAt(3));
    expect(await listSnapshots(store, "run")).toEqual(["snapshot-000003", "snapshot-000002", "snapshot-000001"]);
    await saveSnapshot(store, "run", snapshotAt(4));
    expect(await listSnapshots(store, "run")).toEqual(["snapshot-000004", "snapshot-000003"]);
  });
});

describe("refused before anything is written", () => {
  const save = async (change: object, options = {}): ReturnType<typeof caught> => {
    const files = new Map<string, Uint8Array>();
    const result = await caught(() =>
      saveSnapshot(memoryFileStore(files), "run", { ...snapshotAt(1), ...change }, options),
    );
    expect(files.size).toBe(0);
    return result;
  };
  test("a wrong step", async () =>
    expect(await save({ step: 1.5 })).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "saveSnapshot: step is wrong, expected an integer from 0, got 1.5.",
    }
  `));
  test("a wrong number to keep", async () =>
    expect(await save({}, { keep: 0 })).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "saveSnapshot: keep is wrong, expected an integer from 1, got 0.",
    }
  `));
  test("a metric that is not finite", async () =>
    expect(await save({ state: { loss: NaN } })).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "saveSnapshot: state.loss is NaN, expected null, booleans, finite numbers, strings, arrays and plain objects nested at most 60 deep. Convert it before saving.",
    }
  `));
  test("a setting that is undefined", async () =>
    expect(await save({ settings: { lr: undefined } })).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "saveSnapshot: settings.lr is of type undefined, expected null, booleans, finite numbers, strings, arrays and plain objects nested at most 60 deep. Convert it before saving.",
    }
  `));
  test("a group name that is a path", async () =>
    expect(await save({ arrays: { "../weights": new Map() } })).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "saveSnapshot: arrays has a wrong group name, expected 1 to 64 of a-z, 0-9, "_" and "-", a letter first, got "../weights". Rename the group.",
    }
  `));
  test("a group called __proto__", async () =>
    expect((await save({ arrays: JSON.parse('{"__proto__":{}}') })).code).toBe("value"));
  test("a wrong array", async () =>
    expect(
      await save({ arrays: { weights: new Map([["w", { dtype: "F32", shape: [1], values: [1] }]]) } }),
    ).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "writeSafetensors: tensor "w" has wrong values for dtype F32, expected a Float32Array, got [1].",
    }
  `));
});
