import { Buffer } from "node:buffer";
import { describe, expect, test, vi } from "vitest";
import { createWasmBackend } from "../../src/backends/wasm/backend.ts";
import { decodeBase64 } from "../../src/backends/wasm/binary.ts";
import { type WasmApi, webAssembly } from "../../src/backends/wasm/host.ts";
import { floatBits } from "../../src/backends/wasm/runtime.ts";
import { kernel, makeBackend, numbers, operand, sameBits, valuesOf } from "./harness.ts";

const api = webAssembly() as WasmApi;

describe("createWasmBackend", () => {
  test.each([0, -1, 1.5, Number.NaN, 65])("refuses threads=%d", (threads) => {
    expect(() => createWasmBackend({ threads })).toThrow(
      `createWasmBackend: threads is out of range, expected a whole number in 1..64, got ${threads}`,
    );
  });

  test("is undefined without WebAssembly, and without its SIMD", () => {
    vi.stubGlobal("WebAssembly", undefined);
    expect(createWasmBackend()).toBeUndefined();
    vi.stubGlobal("WebAssembly", { validate: () => false });
    expect(createWasmBackend()).toBeUndefined();
    vi.unstubAllGlobals();
  });

  test("says when relaxed SIMD is demanded and missing", () => {
    const { validate } = api;
    const spy = vi.spyOn(api, "validate").mockImplementation((bytes) => bytes.length < 40 && validate(bytes));
    expect(() => createWasmBackend({ relaxed: true })).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: createWasmBackend: relaxed is true, expected an engine with relaxed SIMD, got one without. Leave it out to use what there is]`,
    );
    spy.mockRestore();
  });

  test("says what it uses", () => {
    const backend = makeBackend({ threads: 3, relaxed: false });
    expect(backend.capabilities()).toMatchObject({
      threads: 3,
      dtypes: ["float32", "int32", "bool"],
      details: { simd: "128 bit", threads: "3, shared memory" },
    });
    const single = makeBackend({ threads: 3, shared: false });
    expect(single.capabilities()).toMatchObject({
      threads: 1,
      details: { threads: "1, memory not shared (not asked for)" },
    });
  });

  test("works without SharedArrayBuffer", () => {
    vi.stubGlobal("SharedArrayBuffer", undefined);
    const backend = makeBackend({ threads: 2 });
    vi.unstubAllGlobals();
    expect(backend.capabilities().details["threads"]).toBe("1, memory not shared (no SharedArrayBuffer)");
    const x = operand(backend, [3], Float32Array.of(1, 2, 3));
    const y = operand(backend, [3]);
    kernel(backend, "add")([x, x], [y], {});
    expect([...valuesOf(backend, y)]).toEqual([2, 4, 6]);
  });
});

describe.each([true, false])("memory, shared=%s", (shared) => {
  test("keeps its contents when it grows, and counts what is live", () => {
    const backend = makeBackend({ shared, threads: 1 });
    const values = numbers(1, 1000);
    const small = operand(backend, [1000], values);
    const before = backend.runtime.allocator.bytesTotal;
    const large = Array.from({ length: 5 }, () => backend.allocate(20 << 20));
    expect(backend.runtime.allocator.bytesTotal).toBeGreaterThan(before + (90 << 20));
    expect(valuesOf(backend, small)).toEqual(values);
    expect(backend.hostView?.(small.buffer, "float32", 1000)).toEqual(values);
    expect(backend.runtime.allocator.count).toBe(6);
    for (const buffer of [...large, small.buffer]) backend.free(buffer);
    expect(backend.runtime.allocator.count).toBe(0);
    expect(backend.runtime.allocator.bytesInUse).toBe(0);
  });

  test("grows on behalf of kernels without disturbing buffers", () => {
    const backend = makeBackend({ shared, threads: 1 });
    const x = operand(backend, [600, 500], numbers(2, 300_000));
    const y = operand(backend, [500, 500]);
    kernel(backend, "matmul")([x, x], [y], { transposeA: true });
    const values = valuesOf(backend, y);
    const bytes = 20 << 20;
    const more = Array.from({ length: 3 }, () => backend.allocate(bytes));
    for (const buffer of more) backend.write(buffer, new Uint8Array(bytes).fill(7));
    kernel(backend, "matmul")([x, x], [y], { transposeA: true });
    expect(sameBits(valuesOf(backend, y), values)).toBe(true);
    for (const buffer of more) {
      const kept = backend.readSync?.(buffer, "bool", bytes) as Uint8Array;
      expect(Buffer.alloc(bytes, 7).equals(kept)).toBe(true);
    }
  });
});

test("buffers of no bytes take no memory", () => {
  const backend = makeBackend({ threads: 1 });
  const empty = backend.allocate(0);
  backend.write(empty, new Float32Array(0));
  expect(backend.readSync?.(empty, "float32", 0)).toEqual(new Float32Array(0));
  expect(backend.runtime.allocator.count).toBe(0);
  backend.free(empty);
});

test("parts share the memory of the whole", () => {
  const backend = makeBackend({ threads: 1 });
  const whole = operand(backend, [6], Float32Array.of(1, 2, 3, 4, 5, 6));
  const part = backend.view?.(whole.buffer, 8, 12);
  expect(part && [...(backend.readSync?.(part, "float32", 3) ?? [])]).toEqual([3, 4, 5]);
});

test("run names a kernel that does not exist", () => {
  expect(() => makeBackend({ threads: 1 }).runtime.run("nothing", [], 1, 0)).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: run: name is not an exported kernel, expected one of wasm/index.ts, got nothing]`,
  );
});

test("long argument lists do not touch tensors", () => {
  const backend = makeBackend({ threads: 2 });
  const count = 20_000;
  const [x, w, y] = [
    operand(backend, [count, 2, 2], numbers(1, count * 4)),
    operand(backend, [2, 2], Float32Array.of(1, 0, 0, 1)),
    operand(backend, [count, 2, 2]),
  ];
  kernel(backend, "matmul")([x, w], [y], {});
  expect(valuesOf(backend, y)).toEqual(valuesOf(backend, x));
  expect(backend.runtime.allocator.count).toBe(3);
  backend.close();
});

test("base64 of every length", () => {
  for (let length = 0; length < 50; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 89 + length) & 255);
    expect(decodeBase64(Buffer.from(bytes).toString("base64"))).toEqual(bytes);
  }
});

test("floatBits", () => {
  expect([0, 1, -2, Number.POSITIVE_INFINITY].map(floatBits)).toEqual([0, 0x3f800000, 0xc0000000 | 0, 0x7f800000]);
});
