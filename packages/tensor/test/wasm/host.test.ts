import { afterEach, describe, expect, test, vi } from "vitest";
import { OutOfMemoryError } from "../../src/backends/wasm/allocator.ts";
import { compileWide, type WasmApi, webAssembly } from "../../src/backends/wasm/host.ts";
import { kernel, makeBackend, numbers, operand, valuesOf } from "./harness.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** A process whose node:v8 notes the flags that are set, instead of setting them. */
function pretend(properties: object): string[] {
  const flags: string[] = [];
  const v8 = { setFlagsFromString: (flag: string) => flags.push(flag) };
  vi.stubGlobal("process", {
    arch: "x64",
    versions: { node: "24.0.0", v8: "13.6.0" },
    execArgv: [],
    getBuiltinModule: (name: string) => (name === "node:v8" ? v8 : undefined),
    ...properties,
  });
  return flags;
}

/** What V8 is left with, from flags in the order they were set: the last word on each. */
function settled(flags: readonly string[]): Record<string, boolean> {
  return Object.fromEntries(flags.map((flag) => [flag.replace(/^--(no-)?/, ""), !flag.startsWith("--no-")]));
}

const usual = {
  "experimental-wasm-revectorize": false,
  liftoff: true,
  "wasm-lazy-compilation": true,
  "wasm-dynamic-tiering": true,
};

describe("compileWide", () => {
  test("sets the flags for the compilation only", () => {
    const flags = pretend({});
    const during = compileWide(() => settled(flags));
    expect(during).toEqual(Object.fromEntries(Object.entries(usual).map(([flag, value]) => [flag, !value])));
    expect(settled(flags)).toEqual(usual);
  });

  test("puts the flags back when the compilation fails", () => {
    const flags = pretend({});
    const compile = (): void => {
      throw new RangeError("bad module");
    };
    expect(() => compileWide(compile)).toThrow("bad module");
    expect(settled(flags)).toEqual(usual);
  });

  test("leaves alone what the process was started with", () => {
    const flags = pretend({ execArgv: ["--no-liftoff"] });
    compileWide(() => 0);
    expect(settled(flags)).toEqual({ ...usual, liftoff: false });
  });

  test.each([
    ["another processor", { arch: "arm64" }],
    ["an older V8", { versions: { node: "20.19.0", v8: "11.3.244" } }],
    ["no Node", { versions: {} }],
    ["a Node that cannot be asked", { getBuiltinModule: undefined }],
  ])("does not compile on %s", (_, properties) => {
    const flags = pretend(properties);
    expect(compileWide(() => 1)).toBeUndefined();
    expect(flags).toEqual([]);
  });

  test("does not compile where setting flags fails", () => {
    const setFlagsFromString = (): void => {
      throw new Error("not implemented");
    };
    pretend({ getBuiltinModule: () => ({ setFlagsFromString }) });
    expect(compileWide(() => 1)).toBeUndefined();
  });
});

/** An engine that grants memories of at most `limit` pages. */
function limitMemory(limit: number): void {
  const api = webAssembly() as WasmApi;
  class Limited extends api.Memory {
    constructor(options: ConstructorParameters<typeof api.Memory>[0]) {
      if (options.maximum > limit) throw new RangeError("could not allocate memory");
      super(options);
    }
  }
  vi.stubGlobal("WebAssembly", Object.assign(Object.create(api), { Memory: Limited }));
}

describe.each([true, false])("an engine with little memory, shared=%s", (shared) => {
  test("computes in what it gets, and says when that is full", () => {
    limitMemory(1024);
    const backend = makeBackend({ threads: 1, shared });
    const values = numbers(1, 8);
    const [x, y] = [operand(backend, [8], values), operand(backend, [8])];
    const large = backend.allocate(40 << 20);
    let caught: unknown;
    try {
      backend.allocate(40 << 20);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(OutOfMemoryError);
    expect((caught as Error).message).toBe(
      "allocate: memory is full, expected room for 41943040 more bytes, got 41943168 bytes in 3 buffers in use. Free tensors (scope, dispose) or use smaller batches",
    );
    kernel(backend, "add")([x, x], [y], {});
    expect(valuesOf(backend, y)).toEqual(values.map((value) => 2 * value));
    backend.free(large);
    backend.free(backend.allocate(40 << 20));
  });

  test("gives up when there is none", () => {
    limitMemory(512);
    expect(() => makeBackend({ threads: 1, shared })).toThrow("could not allocate memory");
  });
});
