import { data, fromArray, max, min, scope, sum, useBackend } from "@heed/tensor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backendOn, type GpuBackend } from "../../src/backend.ts";
import type { Device } from "../../src/devices/device.ts";
import { openWebgpu } from "../../src/devices/webgpu/webgpu.ts";
import { loadGpuJs } from "../../src/gpu-js.ts";
import { dawn, skip } from "../dawn.ts";

/** Whole numbers small enough for every sum to be exact. */
const numbers = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => ((i * 31) % 101) - 50);

const operations = {
  sum: { run: sum, combine: (a: number, b: number) => a + b },
  max: { run: max, combine: Math.max },
  min: { run: min, combine: Math.min },
};

const cases: [number[], number[]][] = [
  [[5000], [0]],
  [[3, 63], [1]],
  [[3, 64], [1]],
  [[2, 1025], [1]],
  [[1025, 2], [0]],
  [[4, 130, 5], [1]],
  [
    [4, 7, 5, 3],
    [0, 2],
  ],
  [
    [4, 7, 5, 3],
    [1, 2],
  ],
];

/** Which codes a device gets is decided by its name: one that pretends to be a real GPU gets whole workgroups for a row. */
const kinds = { "a thread for each": {}, "a workgroup for each row": { details: { value: { adapter: "a GPU" } } } };

describe.skipIf(skip).each(Object.entries(kinds))("WGSL reductions: %s", (_, pretend) => {
  let gpu: GpuBackend;
  let before: ReturnType<typeof useBackend>;
  beforeAll(async () => {
    const device = await openWebgpu(await loadGpuJs(), { gpu: dawn });
    if (typeof device === "string") throw new Error(device);
    gpu = backendOn(Object.create(device, pretend) as Device, { strict: true, unavailable: {} });
    before = useBackend(gpu);
  });
  afterAll(() => {
    if (before) useBackend(before);
    gpu?.destroy();
  });

  const all = Object.keys(operations) as (keyof typeof operations)[];

  test.each(all.flatMap((op) => cases.map((one) => [op, ...one] as const)))(
    "%s of %j along %j",
    async (op, shape, axes) => {
      const { run, combine } = operations[op];
      const length = shape.reduce((a, b) => a * b, 1);
      const values = numbers(length);
      const expected = new Map<string, number>();
      values.forEach((value, at) => {
        let rest = at;
        const index: number[] = [];
        for (let axis = shape.length - 1; axis >= 0; axis--) {
          if (!axes.includes(axis)) index.unshift(rest % shape[axis]!);
          rest = Math.floor(rest / shape[axis]!);
        }
        const key = index.join();
        const before = expected.get(key);
        expected.set(key, before === undefined ? value : combine(before, value));
      });
      gpu.resetReport();
      const result = run(fromArray(values, shape), { axes });
      expect(gpu.report().filter(({ op: name }) => name === op)).toEqual([{ op, kernel: "webgpu wgsl", calls: 1 }]);
      expect([...(await data(result))]).toEqual([...expected.values()]);
    },
  );

  test("holds nothing but the result", () => {
    const x = fromArray(numbers(4 * 7 * 500), [4, 7, 500]);
    const { buffers } = gpu.statistics()!;
    for (const axes of [[0], [1], [2], [0, 2], [0, 1, 2]]) scope(() => void sum(x, { axes }));
    expect(gpu.statistics()!.buffers).toBe(buffers);
  });

  test("NaN and infinity go through", async () => {
    const rows = Float32Array.from({ length: 200 }, (_, i) => (i < 100 ? Number.NEGATIVE_INFINITY : i));
    rows[150] = Number.NaN;
    const x = fromArray(rows, [2, 100]);
    expect([...(await data(max(x, { axes: [1] })))]).toEqual([Number.NEGATIVE_INFINITY, Number.NaN]);
    expect([...(await data(min(x, { axes: [1] })))]).toEqual([Number.NEGATIVE_INFINITY, Number.NaN]);
  });
});
