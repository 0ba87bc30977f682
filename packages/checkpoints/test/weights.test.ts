import { describe, expect, test } from "vitest";
import type { NamedArray } from "../src/dtype.ts";
import { formatHuggingFaceJson } from "../src/hugging-face-json.ts";
import { memoryFileStore } from "../src/memory-file-store.ts";
import { planShards } from "../src/shards.ts";
import { encodeUtf8 } from "../src/text.ts";
import { openWeights, readWeights, writeWeights } from "../src/weights.ts";
import { writeSafetensors } from "../src/write-safetensors.ts";
import { caught, intercept } from "./support.ts";

const f32 = (n: number, start = 0): NamedArray => ({
  dtype: "F32",
  shape: [n],
  values: Float32Array.from({ length: n }, (_, i) => start + i),
});
const weights = new Map([
  ["z", f32(4)],
  ["a", f32(4, 10)],
  ["m", f32(4, 20)],
  ["b", f32(1, 30)],
]);

describe("planShards", () => {
  const plan = (sizes: number[], max: number): number[][] => {
    const arrays = new Map(sizes.map((n, i) => [`t${i}`, f32(n)]));
    return [...planShards(arrays, max).values()].map((shard) =>
      [...shard.values()].map((array) => array.values.length),
    );
  };
  test("fills in order and closes a file when the next does not fit", () => {
    expect(plan([6, 6, 2, 6, 2, 2], 40)).toEqual([[6], [6, 2], [6, 2, 2]]);
    expect(plan([5, 5], 40)).toEqual([[5, 5]]);
    expect(plan([5, 5], 39)).toEqual([[5], [5]]);
  });
  test("an array that is too large is alone", () => expect(plan([1, 50, 1, 1], 40)).toEqual([[1], [50], [1, 1]]));
  test("empty arrays and no arrays", () => {
    expect(plan([0, 0], 1)).toEqual([[0, 0]]);
    expect([...planShards(new Map()).keys()]).toEqual(["model.safetensors"]);
  });
  test("names", () => {
    expect([...planShards(weights, 16).keys()]).toEqual([
      "model-00001-of-00004.safetensors",
      "model-00002-of-00004.safetensors",
      "model-00003-of-00004.safetensors",
      "model-00004-of-00004.safetensors",
    ]);
  });
  test("a wrong size", async () =>
    expect(await caught(() => planShards(weights, 0))).toMatchInlineSnapshot(`
    {
      "code": "value",
      "message": "planShards: maxBytes is wrong, expected an integer from 1, got 0.",
    }
  `));
});

describe("writing and reading a folder", () => {
  test("one file", async () => {
    const files = new Map<string, Uint8Array>();
    expect(await writeWeights(memoryFileStore(files), "out", weights)).toEqual(["model.safetensors"]);
    expect(files).toEqual(new Map([["out/model.safetensors", writeSafetensors(weights)]]));
    expect(await readWeights(memoryFileStore(files), "out")).toEqual(weights);
  });
  test("shards with their index", async () => {
    const files = new Map<string, Uint8Array>();
    const store = memoryFileStore(files);
    expect(await writeWeights(store, "", weights, { maxShardBytes: 36 })).toEqual([
      "model-00001-of-00002.safetensors",
      "model-00002-of-00002.safetensors",
      "model.safetensors.index.json",
    ]);
    expect(new TextDecoder().decode(files.get("model.safetensors.index.json"))).toBe(
      '{\n  "metadata": {\n    "total_size": 52\n  },\n  "weight_map": {\n    "a": "model-00001-of-00002.safetensors",\n    "b": "model-00002-of-00002.safetensors",\n' +
        '    "m": "model-00002-of-00002.safetensors",\n    "z": "model-00001-of-00002.safetensors"\n  }\n}\n',
    );
    expect(await readWeights(store, "")).toEqual(weights);
  });
  test("as BF16", async () => {
    const store = memoryFileStore();
    await writeWeights(store, "", weights, { dtype: "BF16" });
    const read = await readWeights(store, "");
    expect([...read].map(([name, { dtype, values }]) => [name, dtype, values])).toEqual(
      [...weights].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { values }]) => [name, "BF16", values]),
    );
  });
  test("files of an earlier save are removed, others are not", async () => {
    const store = memoryFileStore(new Map([["config.json", encodeUtf8("{}")]]));
    await writeWeights(store, "", weights, { maxShardBytes: 16 });
    await writeWeights(store, "", weights, { maxShardBytes: 36 });
    expect((await store.list("")).sort()).toEqual([
      "config.json",
      "model-00001-of-00002.safetensors",
      "model-00002-of-00002.safetensors",
      "model.safetensors.index.json",
    ]);
    await writeWeights(store, "", weights);
    expect((await store.list("")).sort()).toEqual(["config.json", "model.safetensors"]);
    await writeWeights(store, "", weights, { maxShardBytes: 36 });
    expect(await store.size("model.safetensors")).toBeNull();
    expect(await readWeights(store, "")).toEqual(weights);
  });
  test("a crash between any two operations leaves the old model or the new, when one file replaces one or shards another number of shards", async () => {
    const newer = new Map(
      [...weights].map(([name, array]) => [
        name,
        { ...array, values: (array.values as Float32Array).map((v) => v + 100) } as NamedArray,
      ]),
    );
    for (const [before, after] of [
      [1e9, 1e9],
      [1e9, 36],
      [36, 1e9],
      [16, 36],
    ] as const) {
      let finished = false;
      for (let stop = 0; !finished; stop++) {
        const files = new Map<string, Uint8Array>();
        await writeWeights(memoryFileStore(files), "m", weights, { maxShardBytes: before });
        let count = 0;
        const store = intercept(memoryFileStore(files), () => {
          if (count++ >= stop) throw new Error("killed");
        });
        finished = (await caught(() => writeWeights(store, "m", newer, { maxShardBytes: after }))).code === "none";
        const found = await readWeights(memoryFileStore(files), "m");
        expect([weights, newer], `stopped after ${stop}`).toContainEqual(found);
        if (finished) expect(found).toEqual(newer);
      }
    }
  });
  test("nothing is written when an array is wrong", async () => {
    const store = memoryFileStore();
    const wrong = new Map([
      ...weights,
      ["bad", { dtype: "F32", shape: [2], values: Float32Array.of(1) } as NamedArray],
    ]);
    expect(await caught(() => writeWeights(store, "m", wrong, { maxShardBytes: 16 }))).toMatchInlineSnapshot(`
      {
        "code": "value",
        "message": "planShards: tensor "bad" has another number of values than its shape [2], expected 2, got 1.",
      }
    `);
    expect(await store.list("m")).toEqual([]);
  });
  test("a tensor is read alone, and its absence told", async () => {
    const reads: string[] = [];
    const inner = memoryFileStore();
    await writeWeights(inner, "m", weights, { maxShardBytes: 36 });
    const store = intercept(inner, (operation, path) => reads.push(`${operation} ${path}`));
    const opened = await openWeights(store, "m");
    expect(opened.files).toEqual(["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]);
    expect(await opened.read("m")).toEqual(weights.get("m"));
    expect(reads.filter((read) => read.startsWith("read"))).toEqual(["read m/model.safetensors.index.json"]);
    expect(await caught(() => opened.read("lm_head.weight"))).toMatchInlineSnapshot(`
      {
        "code": "missing",
        "message": "openWeights: tensor "lm_head.weight" is not in m, expected one of its tensors: "a", "z", "b", "m". Check the name map of the model.",
      }
    `);
    await opened.close();
  });
});

describe("refused, each with its message", () => {
  const shard = "model-00001-of-00002.safetensors";
  const folder = (weightMap: unknown, extra: [string, Uint8Array][] = []): ReturnType<typeof memoryFileStore> =>
    memoryFileStore(
      new Map<string, Uint8Array>([
        [
          "m/model.safetensors.index.json",
          encodeUtf8(
            formatHuggingFaceJson({ metadata: { total_size: 0 }, weight_map: weightMap as Record<string, string> }),
          ),
        ],
        [`m/${shard}`, writeSafetensors(new Map([["a", f32(1)]]))],
        ...extra,
      ]),
    );
  const read = (store: ReturnType<typeof memoryFileStore>): ReturnType<typeof caught> =>
    caught(() => readWeights(store, "m"));

  test("an empty folder", async () =>
    expect(await read(memoryFileStore())).toMatchInlineSnapshot(`
    {
      "code": "missing",
      "message": "openWeights: m has no weights, expected model.safetensors or model.safetensors.index.json, got an empty or absent folder. Check the path; convert other formats to safetensors first.",
    }
  `));
  test("a folder of another format", async () =>
    expect(await read(memoryFileStore(new Map([["m/pytorch_model.bin", Uint8Array.of(1)]])))).toMatchInlineSnapshot(`
    {
      "code": "missing",
      "message": "openWeights: m has no weights, expected model.safetensors or model.safetensors.index.json, got "pytorch_model.bin". Check the path; convert other formats to safetensors first.",
    }
  `));
  test("a missing shard", async () =>
    expect(await read(folder({ a: shard, b: "model-00002-of-00002.safetensors" }))).toMatchInlineSnapshot(`
    {
      "code": "missing",
      "message": "openWeights: m/model-00002-of-00002.safetensors is missing, expected a file. Check the path.",
    }
  `));
  test("a tensor that is not in its shard", async () =>
    expect(await read(folder({ a: shard, b: shard }))).toMatchInlineSnapshot(`
    {
      "code": "index",
      "message": "openWeights: m/model-00001-of-00002.safetensors lacks tensor "b", which model.safetensors.index.json expects in it. Index and shards do not belong together; download or save them again.",
    }
  `));
  test("a tensor in a shard that the index does not list", async () => {
    const two = writeSafetensors(
      new Map([
        ["a", f32(1)],
        ["b", f32(1)],
      ]),
    );
    expect(await read(folder({ a: shard }, [[`m/${shard}`, two]]))).toMatchInlineSnapshot(`
      {
        "code": "index",
        "message": "openWeights: m/model-00001-of-00002.safetensors holds tensor "b", which model.safetensors.index.json does not list for it. Index and shards do not belong together; download or save them again.",
      }
    `);
  });
  test.each([
    "../secret.safetensors",
    "/etc/x.safetensors",
    "a/b.safetensors",
    "a\\b.safetensors",
    "..\\x.safetensors",
    "C:x.safetensors",
    "..safetensors",
    ".safetensors",
    "model.bin",
    "x.safetensors\u0000",
    "x\n.safetensors",
    "",
  ])("the shard name %j", async (name) => {
    expect(await read(folder({ a: name }))).toEqual({
      code: "index",
      message: `openWeights: m/model.safetensors.index.json names a wrong file for tensor "a", expected a .safetensors file in the same folder, got ${JSON.stringify(name)}. The index is damaged; download or save it again.`,
    });
  });
  test("a shard name that is no text", async () => expect((await read(folder({ a: 7 }))).code).toBe("index"));
  test("no weight_map", async () =>
    expect(await read(folder([]))).toMatchInlineSnapshot(`
    {
      "code": "index",
      "message": "openWeights: m/model.safetensors.index.json has a wrong weight_map, expected an object, got []. The index is damaged; download or save it again.",
    }
  `));
  test("an empty weight_map", async () =>
    expect(await read(folder({}))).toMatchInlineSnapshot(`
    {
      "code": "index",
      "message": "openWeights: m/model.safetensors.index.json has an empty weight_map, expected at least one tensor. The index is damaged; download or save it again.",
    }
  `));
  test("a damaged shard names its file, and the others are closed", async () => {
    let open = 0;
    const inner = folder({ a: shard, b: "x.safetensors" }, [["m/x.safetensors", new Uint8Array(4)]]);
    const store = {
      ...inner,
      open: async (path: string) => {
        const source = await inner.open(path);
        open++;
        return { ...source, close: async () => void open-- };
      },
    };
    expect(await read(store)).toMatchInlineSnapshot(`
      {
        "code": "truncated",
        "message": "openSafetensors: m/x.safetensors is too short, expected at least 8 bytes, got 4. The file is damaged or not a safetensors file; download or save it again.",
      }
    `);
    expect(open).toBe(0);
  });
  test.each(["list", "size", "open", "read"] as const)("a disk that fails in %s", async (failing) => {
    // A folder is only listed where there are no weights.
    const inner = failing === "list" ? memoryFileStore() : folder({ a: shard });
    const store = intercept(inner, (operation) => {
      if (operation === failing) throw new Error("EIO: i/o error");
    });
    const { code, message } = await read(store);
    expect(code).toBe("storage");
    expect(message).toMatch(
      /^(openWeights|readJsonFile): m(\/\S+)? could not be (read|listed): EIO: i\/o error\. Check the path, its permissions and the disk\.$/,
    );
  });
});
