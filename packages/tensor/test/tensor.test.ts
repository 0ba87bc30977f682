import {
  arange,
  type Backend,
  type BackendBuffer,
  bindShapes,
  broadcastShapes,
  countBuffers,
  createReferenceBackend,
  createWasmBackend,
  currentBackend,
  type DType,
  data,
  dataSync,
  fromArray,
  full,
  item,
  normalizeAxes,
  ones,
  tensor,
  useBackend,
  withBackend,
  zeros,
} from "@heed/tensor";
import { afterAll, describe, expect, test } from "vitest";

const wasm = createWasmBackend({ threads: 1 });
afterAll(() => wasm?.close());

const backends: readonly (readonly [string, Backend | undefined])[] = [
  ["reference", createReferenceBackend()],
  ["wasm", wasm],
];

for (const [name, backend] of backends) {
  describe.skipIf(!backend)(`making and reading on ${name}`, () => {
    const options = { backend: backend! };

    test("nested lists", async () => {
      const x = tensor(
        [
          [[1], [2]],
          [[3], [4]],
        ],
        options,
      );
      expect([x.shape, x.dtype, x.size]).toEqual([[2, 2, 1], "float32", 4]);
      expect(await data(x)).toEqual(Float32Array.of(1, 2, 3, 4));
      expect([tensor(5, options).shape, tensor([], options).shape, tensor([[], []], options).shape]).toEqual([
        [],
        [0],
        [2, 0],
      ]);
    });

    test("the array decides the type, unless told", () => {
      const made = [Float32Array.of(1.5), Int32Array.of(-3), Uint8Array.of(2), [7]].map((values) =>
        fromArray(values, [1], options),
      );
      expect(made.map(({ dtype }) => dtype)).toEqual(["float32", "int32", "bool", "float32"]);
      expect(made.map((x) => item(x))).toEqual([1.5, -3, 1, 7]);
      expect(item(fromArray([2.9], [], { ...options, dtype: "int32" }))).toBe(2);
      expect([...dataSync(fromArray([0, 0.5, -1], [3], { ...options, dtype: "bool" }))]).toEqual([0, 1, 1]);
    });

    test("values are copied in and out", () => {
      const values = Float32Array.of(1, 2);
      const x = fromArray(values, [2], options);
      values[0] = 9;
      dataSync(x)[1] = 9;
      expect([...dataSync(x)]).toEqual([1, 2]);
    });

    test("fills and ranges", () => {
      expect([...dataSync(full([2, 2], 7, options))]).toEqual([7, 7, 7, 7]);
      expect([
        full([1], true, options).dtype,
        zeros([1], options).dtype,
        ones([1], { ...options, dtype: "int32" }).dtype,
      ]).toEqual(["bool", "float32", "int32"]);
      expect([...dataSync(arange(-1, 3, options))]).toEqual([-1, 0, 1, 2]);
      expect([arange(3, 1, options).shape, arange(0, 2.5, { ...options, dtype: "float32" }).shape]).toEqual([[0], [3]]);
      expect(dataSync(zeros([3, 0, 2], options))).toHaveLength(0);
    });
  });
}

describe("the current backend", () => {
  test("is set, for a while or for good", () => {
    const [a, b] = [createReferenceBackend(), createReferenceBackend()];
    useBackend(a);
    expect(withBackend(b, () => currentBackend())).toBe(b);
    expect(() =>
      withBackend(b, () => {
        throw new Error("stop");
      }),
    ).toThrow("stop");
    expect(currentBackend()).toBe(a);
    expect(useBackend(b)).toBe(a);
  });

  test("counts its own buffers only", () => {
    const [a, b] = [createReferenceBackend(), createReferenceBackend()];
    const x = zeros([4], { backend: a });
    expect([countBuffers(a), countBuffers(b)]).toEqual([
      { buffers: 1, bytes: 16 },
      { buffers: 0, bytes: 0 },
    ]);
    expect(x.toString()).toBe("Tensor float32 [4]");
  });

  test("may be anything that has memory", async () => {
    const memory = new Map<BackendBuffer, Uint8Array>();
    const plain = createReferenceBackend();
    const { hostView: _hostView, view: _view, ...rest } = plain;
    const backend: Backend = {
      ...rest,
      name: "map",
      supports: (dtype: DType) => dtype !== "float64",
      allocate(bytes) {
        const buffer = { bytes };
        memory.set(buffer, new Uint8Array(bytes));
        return buffer;
      },
      free: (buffer) => void memory.delete(buffer),
      write: (buffer, values) =>
        memory.get(buffer)!.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
      read: async (buffer, dtype, length) => backend.readSync!(buffer, dtype, length),
      readSync: (buffer, dtype) =>
        dtype === "int32"
          ? new Int32Array(memory.get(buffer)!.slice().buffer)
          : new Float32Array(memory.get(buffer)!.slice().buffer),
    };
    const x = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { backend },
    );
    const { slice, multiply, add } = await import("@heed/tensor");
    const y = add(multiply(x, x), slice(x, [1, 0], [1, 2]));
    expect([...(await data(y))]).toEqual([4, 8, 12, 20]);
    for (const t of [x, y]) t.dispose();
    expect(countBuffers(backend).buffers).toBe(memory.size);
  });
});

describe("bindShapes", () => {
  const shaped = (...shape: number[]): { shape: number[] } => ({ shape });

  test("binds letters, checks equal ones, and types what it binds", () => {
    const { B, T, S, D } = bindShapes("attention", { q: [shaped(2, 3, 8), "B T D"], k: [shaped(2, 5, 8), "B S D"] });
    const sizes: number[] = [B, T, S, D];
    expect(sizes).toEqual([2, 3, 5, 8]);
    // @ts-expect-error no pattern names H
    expect(bindShapes("attention", { q: [shaped(1), "B"] }).H).toBeUndefined();
  });

  test("an open beginning takes any number of axes", () => {
    expect(bindShapes("linear", { x: [shaped(2, 3, 4), "... K"], y: [shaped(4), "... K"] })).toEqual({ K: 4 });
  });

  test("a number demands its size", () => {
    expect(bindShapes("split", { x: [shaped(3, 7), "3 E"] })).toEqual({ E: 7 });
  });
});

test("broadcastShapes and normalizeAxes", () => {
  expect(broadcastShapes("add", [3, 1, 5], [4, 1])).toEqual([3, 4, 5]);
  expect(broadcastShapes("add", [0], [1])).toEqual([0]);
  expect(normalizeAxes("sum", [-1, 0], 3)).toEqual([0, 2]);
  expect(normalizeAxes("sum", undefined, 2)).toEqual([0, 1]);
  expect(normalizeAxes("sum", [], 2)).toEqual([]);
});
