import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { NamedArray } from "../src/dtype.ts";
import { nodeFileStore } from "../src/node.ts";
import { openSafetensors } from "../src/safetensors.ts";
import { loadLatestSnapshot, type Snapshot, saveSnapshot } from "../src/snapshot.ts";
import { writeWeights } from "../src/weights.ts";
import { caught } from "./support.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "heed-node-"));
});
afterAll(async () => rm(folder, { recursive: true }));

const store = nodeFileStore();
const weights = (n: number, value: number): Map<string, NamedArray> =>
  new Map([["w", { dtype: "F32", shape: [n], values: new Float32Array(n).fill(value) }]]);
const snapshotOf = (step: number, n = 1000): Snapshot => ({
  step,
  settings: {},
  state: {},
  arrays: { weights: weights(n, step) },
});

test("one tensor of a file of 64 MB is read without reading the rest", async () => {
  const path = join(folder, "large/model.safetensors");
  await writeWeights(
    store,
    join(folder, "large"),
    new Map([
      ["a", weights(1 << 24, 1).get("w")!],
      ["b", weights(2, 7).get("w")!],
    ]),
  );
  const source = await store.open(path);
  const lengths: number[] = [];
  const file = await openSafetensors({
    size: source.size,
    read: (offset, length) => {
      lengths.push(length);
      return source.read(offset, length);
    },
  });
  expect((await file.read("b")).values).toEqual(Float32Array.of(7, 7));
  expect(lengths.reduce((a, b) => a + b)).toBeLessThan(1000);
  await source.close();
});

test("a device without space: the error says so", async () => {
  const full = { ...store, write: (_path: string, pieces: Iterable<Uint8Array>) => store.write("/dev/full", pieces) };
  if (!existsSync("/dev/full"))
    return console.log("node.test.ts: /dev/full is absent, so the error of a full device is not tested");
  expect((await caught(() => saveSnapshot(full, join(folder, "full"), snapshotOf(1)))).message).toMatch(
    /ENOSPC.* The disk is full: free some space and save again; what was there before is unchanged\.$/,
  );
  expect(await store.list(join(folder, "full"))).toEqual([]);
});

test("a disk that fills up while saving keeps the earlier snapshot, and can be used again", async (context) => {
  const disk = join(folder, "disk");
  await mkdir(disk);
  try {
    execFileSync("/bin/mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], { stdio: "pipe" });
  } catch (error) {
    const reason = `node.test.ts: no small disk can be mounted here (${String(error).split("\n")[0]})`;
    console.log(reason);
    return context.skip(reason);
  }
  try {
    const run = join(disk, "run");
    await saveSnapshot(store, run, snapshotOf(1, 50_000));
    const { code, message } = await caught(() => saveSnapshot(store, run, snapshotOf(2, 250_000)));
    expect(code).toBe("storage");
    expect(message).toContain("ENOSPC");
    expect(await store.list(run)).toEqual(["snapshot-000001"]);
    const { snapshot, rejected } = await loadLatestSnapshot(store, run);
    expect({ step: snapshot.step, rejected }).toEqual({ step: 1, rejected: [] });
    await saveSnapshot(store, run, snapshotOf(3, 50_000));
    expect((await loadLatestSnapshot(store, run)).snapshot.step).toBe(3);
  } finally {
    execFileSync("/bin/umount", [disk]);
  }
});

// The pinned Node runs TypeScript as it is; the machine's own may be too old. Not the shell script in .bin, which a kill would not pass on.
const NODE = fileURLToPath(new URL("../../../node_modules/node/bin/node", import.meta.url));

test("a process killed while saving leaves a whole snapshot, never older than what it announced", async () => {
  const run = join(folder, "killed");
  const script = join(folder, "save.mts");
  const source = (name: string): string => JSON.stringify(new URL(`../src/${name}.ts`, import.meta.url).href);
  await writeFile(
    script,
    `
    import { nodeFileStore } from ${source("node")};
    import { saveSnapshot } from ${source("snapshot")};
    for (let step = 1; ; step++) {
      const values = new Float32Array(300_000).fill(step);
      await saveSnapshot(nodeFileStore(), process.argv[2], { step, settings: {}, state: {}, arrays: { weights: new Map([["w", { dtype: "F32", shape: [300_000], values }]]) } });
      process.stdout.write(step + "\\n");
    }`,
  );
  for (let round = 0; round < 6; round++) {
    const child = spawn(NODE, [script, run], { stdio: ["ignore", "pipe", "pipe"] });
    let announced = 0;
    let trouble = "";
    child.stderr.on("data", (chunk) => (trouble += String(chunk)));
    await new Promise<void>((resolve) => {
      child.on("close", () => resolve());
      child.stdout.on("data", (chunk) => {
        announced = Number(String(chunk).trim().split("\n").at(-1));
        if (announced >= 2) setTimeout(() => child.kill("SIGKILL"), round * 3);
      });
    });
    expect(child.signalCode, trouble).toBe("SIGKILL");
    const { snapshot, rejected } = await loadLatestSnapshot(store, run);
    expect(rejected).toEqual([]);
    expect(snapshot.step).toBeGreaterThanOrEqual(announced);
    const values = snapshot.arrays["weights"]?.get("w")?.values as Float32Array;
    expect(values.length === 300_000 && values.every((value) => value === snapshot.step)).toBe(true);
  }
});

test("no module but node.ts imports from Node, and node.ts nothing else of Node than its file system", async () => {
  const sources = await store.list(fileURLToPath(new URL("../src", import.meta.url)));
  for (const name of sources) {
    const text = await readFile(new URL(`../src/${name}`, import.meta.url), "utf8");
    const imports = [...text.matchAll(/from "(node:[^"]*)"/g)].map((match) => match[1]);
    expect(imports, name).toEqual(name === "node.ts" ? ["node:fs/promises"] : []);
  }
});
