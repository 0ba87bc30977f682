import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { WasmBackend } from "../../src/backends/wasm/backend.ts";
import { kernel, makeBackend, numbers, operand, sameBits, valuesOf } from "./harness.ts";

const backends: WasmBackend[] = [];
function tracked(options: Parameters<typeof makeBackend>[0]): WasmBackend {
  const backend = makeBackend(options);
  backends.push(backend);
  return backend;
}
afterEach(() => {
  vi.restoreAllMocks();
  for (const backend of backends.splice(0)) backend.close();
});

/** A job large enough for the pool; returns the product's values. */
function work(backend: WasmBackend): Float32Array {
  const x = operand(backend, [200, 200], numbers(1, 40_000));
  const y = operand(backend, [200, 200]);
  kernel(backend, "matmul")([x, x], [y], {});
  const values = valuesOf(backend, y);
  for (const { buffer } of [x, y]) backend.free(buffer);
  return values;
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 20_000) throw new Error("waited 20 s in vain");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function runChild(name: string, ...args: string[]): Record<string, unknown> {
  const script = fileURLToPath(new URL(`children/${name}.ts`, import.meta.url));
  const child = spawnSync(
    process.execPath,
    ["--no-warnings", "--experimental-strip-types", "--conditions=@heed/source", script, ...args],
    { encoding: "utf8", timeout: 60_000 },
  );
  if (child.status !== 0) throw new Error(`child ended with ${child.status ?? child.signal}: ${child.stderr}`);
  return JSON.parse(child.stdout) as Record<string, unknown>;
}

describe("pool", () => {
  test("starts no worker before the first large job", async () => {
    const backend = tracked({ threads: 3 });
    const [x, y] = [operand(backend, [8], numbers(1, 8)), operand(backend, [8])];
    kernel(backend, "add")([x, x], [y], {});
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(backend.runtime.pool?.ready).toBe(0);
    work(backend);
    await until(() => backend.runtime.pool?.ready === 2);
  });

  test("gives the same bits before, while and after the workers start", async () => {
    const backend = tracked({ threads: 4 });
    const first = work(backend);
    for (let i = 0; i < 100; i++) expect(sameBits(work(backend), first)).toBe(true);
    await until(() => backend.runtime.pool?.ready === 3);
    for (let i = 0; i < 100; i++) expect(sameBits(work(backend), first)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (let i = 0; i < 50; i++) expect(sameBits(work(backend), first)).toBe(true);
  });

  test("hands every chunk to exactly one thread", async () => {
    const backend = tracked({ threads: 4 });
    work(backend);
    await until(() => backend.runtime.pool?.ready === 3);
    const n = 16384 * 7 + 3;
    const [x, y] = [operand(backend, [n], new Float32Array(n).fill(1)), operand(backend, [n], new Float32Array(n))];
    // In place, so that a chunk computed twice or not at all shows.
    for (let i = 0; i < 2000; i++) kernel(backend, "add")([x, y], [y], {});
    expect(valuesOf(backend, y)).toEqual(new Float32Array(n).fill(2000));
  });

  test("computes on the calling thread when workers cannot be made, and says so", () => {
    const real = process.getBuiltinModule.bind(process);
    vi.spyOn(process, "getBuiltinModule").mockImplementation(((name: string) =>
      name === "node:worker_threads"
        ? {
            Worker: class {
              constructor() {
                throw new Error("workers are forbidden here");
              }
            },
          }
        : real(name)) as typeof process.getBuiltinModule);
    const backend = tracked({ threads: 3 });
    const reference = tracked({ threads: 1 });
    expect(work(backend)).toEqual(work(reference));
    expect(backend.capabilities()).toMatchObject({
      threads: 1,
      details: { threads: "1, shared memory (workers are forbidden here)" },
    });
  });

  test("goes on with fewer threads when a worker dies at its start, and says so", async () => {
    const real = process.getBuiltinModule.bind(process);
    const threads = real("node:worker_threads");
    vi.spyOn(process, "getBuiltinModule").mockImplementation(((name: string) =>
      name === "node:worker_threads"
        ? {
            Worker: class extends threads.Worker {
              constructor(_source: string, options: object) {
                super("throw new Error('no luck')", options);
              }
            },
          }
        : real(name)) as typeof process.getBuiltinModule);
    const backend = tracked({ threads: 3 });
    const expected = work(tracked({ threads: 1 }));
    expect(work(backend)).toEqual(expected);
    await until(() => backend.capabilities().threads === 1);
    expect(backend.capabilities().details["threads"]).toBe("1, shared memory (no luck)");
    expect(work(backend)).toEqual(expected);
  });

  test("reports a kernel that traps, and works afterwards", async () => {
    const backend = tracked({ threads: 2 });
    const expected = work(backend);
    await until(() => backend.runtime.pool?.ready === 1);
    for (let i = 0; i < 20; i++) {
      // Far outside memory: whichever thread takes a chunk traps.
      expect(() => backend.runtime.run("addFlat", [0xffff0000, 0xffff0000, 0xffff0000, 1_000_000], 62, 1e9)).toThrow();
    }
    expect(work(backend)).toEqual(expected);
    expect(backend.capabilities().threads).toBeGreaterThanOrEqual(1);
  });

  test("computes on the calling thread after close", () => {
    const backend = tracked({ threads: 3 });
    const expected = work(backend);
    backend.close();
    expect(work(backend)).toEqual(expected);
    expect(backend.capabilities().details["threads"]).toBe("1, shared memory (closed)");
  });

  test("does not keep the process alive, and its threads sleep when idle", () => {
    const result = runChild("idle");
    // Of one second of doing nothing; a spinning worker would take all of it, three would take three.
    expect(result["idleCpuMilliseconds"]).toBeLessThan(200);
    expect(result["ready"]).toBe(3);
    // From the last statement to the exit of the process, as seen by a clock that ticks across processes.
    expect(Date.now() - Number(result["doneAt"])).toBeLessThan(10_000);
  });

  test("uses web workers in a page that is isolated, without sleeping on its main thread", () => {
    expect(runChild("browser", "isolated")).toMatchObject({
      threads: 3,
      why: "3, shared memory",
      ready: 2,
      same: true,
    });
  });

  test("has one thread in a page that is not isolated, and says why", () => {
    const why = "1, memory not shared (the page is not cross-origin isolated)";
    expect(runChild("browser", "plain")).toMatchObject({ threads: 1, why, ready: 0, same: true });
  });
});
