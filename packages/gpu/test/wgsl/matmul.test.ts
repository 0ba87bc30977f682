import { data, fromArray, linear, matmul, useBackend } from "@heed/tensor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backendOn, type GpuBackend } from "../../src/backend.ts";
import type { Device } from "../../src/devices/device.ts";
import { openWebgpu } from "../../src/devices/webgpu/webgpu.ts";
import { loadGpuJs } from "../../src/gpu-js.ts";
import { dawn, skip } from "../dawn.ts";

const numbers = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(seed + 1.7 * i) + 0.1 * ((i * 7) % 5));

/** Which codes a device gets is decided by its name: one that pretends to be a real GPU gets tiles. */
const kinds = {
  "each thread loads for itself": {},
  "tiles in workgroup memory": { details: { value: { adapter: "a GPU" } } },
};

describe.skipIf(skip).each(Object.entries(kinds))("WGSL products: %s", (_, pretend) => {
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

  const shapes = [
    [1, 1, 1],
    [1, 130, 67],
    [1, 300, 8],
    [3, 5, 7],
    [8, 4, 4],
    [37, 17, 33],
    [64, 64, 32],
    [65, 16, 100],
    [70, 129, 36],
  ] as const;
  const transposes = [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ] as const;

  test.each(shapes.flatMap((shape) => transposes.map((flags) => [...shape, ...flags] as const)))(
    "%i x %i x %i, transposed: %s, %s",
    async (M, K, N, transposeA, transposeB) => {
      const [a, b] = [numbers(2 * M * K, 1), numbers(K * N, 2)];
      const x = fromArray(a, transposeA ? [2, K, M] : [2, M, K]);
      const y = fromArray(b, transposeB ? [N, K] : [K, N]);
      gpu.resetReport();
      const found = await data(matmul(x, y, { transposeA, transposeB }));
      expect(gpu.report()).toEqual([{ op: "matmul", kernel: "webgpu wgsl", calls: 1 }]);
      let worst = 0;
      for (let batch = 0; batch < 2; batch++) {
        for (let m = 0; m < M; m++) {
          for (let n = 0; n < N; n++) {
            let sum = 0;
            for (let k = 0; k < K; k++) {
              const left = a[batch * M * K + (transposeA ? k * M + m : m * K + k)]!;
              sum += left * b[transposeB ? n * K + k : k * N + n]!;
            }
            worst = Math.max(worst, Math.abs(sum - found[(batch * M + m) * N + n]!));
          }
        }
      }
      expect(worst).toBeLessThan(2e-6 * Math.max(4, K));
    },
  );

  test.each([1, 5])("bias and activation are applied in the same kernel, %i rows", async (rows) => {
    const [x, weight, bias] = [numbers(rows * 6, 3), numbers(7 * 6, 4), numbers(7, 5)];
    gpu.resetReport();
    const y = linear(fromArray(x, [rows, 6]), fromArray(weight, [7, 6]), fromArray(bias, [7]), { activation: "silu" });
    expect(gpu.report()).toEqual([{ op: "linear", kernel: "webgpu wgsl", calls: 1 }]);
    const found = await data(y);
    for (let m = 0; m < rows; m++) {
      for (let n = 0; n < 7; n++) {
        let sum = bias[n]!;
        for (let k = 0; k < 6; k++) sum += x[m * 6 + k]! * weight[n * 6 + k]!;
        expect(found[m * 7 + n]).toBeCloseTo(sum / (1 + Math.exp(-sum)), 5);
      }
    }
  });
});
