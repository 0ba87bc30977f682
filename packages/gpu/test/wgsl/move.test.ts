import {
  assign,
  assignSlice,
  concatenate,
  data,
  fromArray,
  full,
  gather,
  scatterAdd,
  slice,
  useBackend,
} from "@heed/tensor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGpuBackend, type GpuBackend } from "../../src/index.ts";
import { dawn, skip } from "../dawn.ts";

describe.skipIf(skip)("WGSL kernels that move values", () => {
  let gpu: GpuBackend;
  let before: ReturnType<typeof useBackend>;
  beforeAll(async () => {
    gpu = await createGpuBackend({ prefer: "webgpu", gpu: dawn, strict: true });
    before = useBackend(gpu);
  });
  afterAll(() => {
    if (before) useBackend(before);
    gpu?.destroy();
  });

  test("positions past 2^24 are exact", async () => {
    const rows = 2 ** 22 + 3;
    const x = concatenate([full([rows, 4], 7), fromArray([1, 2, 3, 4], [1, 4], { dtype: "float32" })]);
    expect(await data(slice(x, [rows - 1, 1], [2, 3]))).toEqual(Float32Array.of(7, 7, 7, 2, 3, 4));
    expect(await data(gather(x, fromArray(Int32Array.of(rows, 0), [2])))).toEqual(
      Float32Array.of(1, 2, 3, 4, 7, 7, 7, 7),
    );
  });

  test("a block is written in place, unless others hold the value", async () => {
    const x = full([3, 4], 0);
    const shared = full([3, 4], 9);
    assign(shared, x);
    assignSlice(x, full([2, 2], 1), [1, 1]);
    expect([...(await data(x))]).toEqual([0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0]);
    expect([...(await data(shared))]).toEqual(new Array(12).fill(0));
  });

  test("sums through indices run in the order of the indices, the same bits every time", async () => {
    const count = 1000;
    const values = Float32Array.from({ length: count * 3 }, (_, i) => Math.sin(i) * 10 ** (i % 7));
    const indices = Int32Array.from({ length: count }, (_, i) => (i * i) % 11);
    const expected = new Float32Array(11 * 3);
    indices.forEach((row, i) => {
      for (let c = 0; c < 3; c++) expected[row * 3 + c]! += values[i * 3 + c]!;
    });
    const found = scatterAdd(fromArray(values, [count, 3]), fromArray(indices, [count]), { size: 11 });
    expect(await data(found)).toEqual(expected);
  });
});
