import { conformanceCases } from "@heed/tensor/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backendOn, type GpuBackend } from "../../src/backend.ts";
import type { Device } from "../../src/devices/device.ts";
import { openWebgpu } from "../../src/devices/webgpu/webgpu.ts";
import { loadGpuJs } from "../../src/gpu-js.ts";
import { dawn, skip } from "../dawn.ts";

/**
 * Software adapters run each row in one thread; the conformance stage tests that. A device that pretends to be a real GPU
 * shares rows among the threads of a workgroup: that is tested here.
 */
const pretend = { details: { value: { adapter: "a GPU" } } };

const ops = ["softmax", "logSoftmax", "layerNorm", "rmsNorm", "softmaxCrossEntropy"];

describe.skipIf(skip)("WGSL row kernels, a row for each workgroup", () => {
  let gpu: GpuBackend;
  beforeAll(async () => {
    const device = await openWebgpu(await loadGpuJs(), { gpu: dawn });
    if (typeof device === "string") throw new Error(device);
    gpu = backendOn(Object.create(device, pretend) as Device, { strict: true, unavailable: {} });
  });
  afterAll(() => gpu?.destroy());

  test.each(ops)("%s conforms, and wide rows run in WGSL", async (op) => {
    const failures: string[] = [];
    const kernels = new Set<string>();
    const cases = conformanceCases(gpu, { largestWholeNumber: 2 ** 24 }).filter((c) => c.op === op);
    for (const c of cases) {
      await c
        .run()
        .then((result) => result.kernels.forEach((kernel) => kernels.add(kernel)))
        .catch((error: unknown) => failures.push(`${c.name}: ${error}`));
    }
    expect(failures).toEqual([]);
    expect(cases.length).toBeGreaterThan(20);
    expect([...kernels]).toContain(`${op}:webgpu wgsl`);
    expect([...kernels]).toContain(`${op}Backward:webgpu wgsl`);
  });
});
