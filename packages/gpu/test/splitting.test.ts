import { abs, add, data, fromArray, multiply, select, sum, useBackend } from "@heed/tensor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backendOn, type GpuBackend } from "../src/backend.ts";
import { openWebgpu } from "../src/devices/webgpu/webgpu.ts";
import { loadGpuJs } from "../src/gpu-js.ts";
import { dawn, skip } from "./dawn.ts";

const length = 1000;
const values = Float32Array.from({ length }, (_, i) => (i % 2 === 0 ? i : -i));

describe.skipIf(skip)("tensors larger than a kernel of gpu.js may count: here 256 elements", () => {
  let gpu: GpuBackend;
  let before: ReturnType<typeof useBackend>;
  beforeAll(async () => {
    const device = await openWebgpu(await loadGpuJs(), { gpu: dawn, mostElements: 256 });
    if (typeof device === "string") throw new Error(device);
    // Without WGSL, so that every operation is gpu.js's.
    gpu = backendOn(Object.create(device, { wgsl: { value: undefined } }), { strict: true, unavailable: {} });
    before = useBackend(gpu);
  });
  afterAll(() => {
    if (before) useBackend(before);
    gpu?.destroy();
  });

  test("elementwise operations run in parts, whatever they read: all, one for all, several", async () => {
    const x = fromArray(values, [length]);
    const launches = gpu.statistics()!.launches;
    const y = add(multiply(abs(x), 2), x);
    expect(gpu.statistics()!.launches - launches).toBe(3 * Math.ceil(length / 256));
    expect([...(await data(y))]).toEqual([...values].map((value) => 2 * Math.abs(value) + value));
    const flags = fromArray(
      Uint8Array.from(values, (value) => Number(value > 0)),
      [length],
      { dtype: "bool" },
    );
    expect([...(await data(select(flags, x, y)))]).toEqual(
      [...values].map((value) => (value > 0 ? value : 2 * Math.abs(value) + value)),
    );
  });

  test("WGSL leaves what no buffer of a kernel can hold to the kernels that run in parts", async () => {
    const device = await openWebgpu(await loadGpuJs(), { gpu: dawn, mostElements: 256 });
    if (typeof device === "string") throw new Error(device);
    const small = Object.create(device, { wgsl: { value: { ...device.wgsl, elementsPerBuffer: 256 } } });
    const own = backendOn(small, { strict: true, unavailable: {} });
    useBackend(own);
    const found = await data(add(fromArray(values, [length]), 1));
    useBackend(gpu);
    expect([...found]).toEqual([...values].map((value) => value + 1));
    expect(own.report()).toEqual([{ op: "add", kernel: "webgpu", calls: 1 }]);
    expect(own.statistics()!.launches).toBe(Math.ceil(length / 256));
    own.destroy();
  });

  test("operations that cannot be split say so", () => {
    const x = fromArray(values, [length]);
    expect(() => sum(x)).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: sum: a tensor of 1000 elements is too large for this kernel, expected at most 256. Split it or use another backend]`,
    );
  });
});
