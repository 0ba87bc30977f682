import { createGpuBackend, DeviceLostError, type GpuBackend, OutOfMemoryError, useGpu } from "@heed/gpu";
import { gpt2 } from "@heed/models";
import { parameters } from "@heed/nn";
import { adamW } from "@heed/optim";
import {
  add,
  type Backend,
  createReferenceBackend,
  createWasmBackend,
  crossEntropy,
  data,
  dispose,
  fromArray,
  ones,
  rng,
  scope,
  useBackend,
  valueAndGradients,
  zeros,
} from "@heed/tensor";
import { captureRun, restoreRun } from "@heed/train";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mustRun } from "../src/chromium.ts";
import { dawn, missingDriver } from "../src/dawn.ts";
import { type TrainingReport, train } from "../src/training.ts";

const missing = await missingDriver();
if (missing) {
  console.log(`browser-tests: WebGPU in Node skipped, because ${missing}`);
  test.runIf(mustRun)("there is a driver", () => expect(missing).toBeUndefined());
}

const openDawn = (options: { readonly maxBytes?: number } = {}): Promise<GpuBackend> =>
  createGpuBackend({ prefer: "webgpu", gpu: dawn, ...options });

describe("the same GPT, 50 steps from the same seed", () => {
  let reference: TrainingReport;
  const run = async (backend: Backend): Promise<TrainingReport> => {
    const report = await train(backend, () => 0);
    (backend as { close?: () => void }).close?.();
    return report;
  };
  beforeAll(async () => {
    reference = await run(createReferenceBackend());
  }, 120_000);

  const others: [string, boolean, () => Backend | Promise<Backend>][] = [
    ["WebAssembly, one thread", true, () => createWasmBackend({ threads: 1 })!],
    ["WebAssembly, two threads", true, () => createWasmBackend({ threads: 2 })!],
    ["gpu.js cpu", true, () => createGpuBackend({ prefer: "cpu", strict: true })],
    ["WebGPU on Dawn", !missing, () => openDawn()],
  ];
  for (const [name, isThere, open] of others) {
    test.runIf(isThere)(`${name}: losses within 1e-3 of the reference, no kernel elsewhere, nothing left`, async () => {
      const { losses, elsewhere, tensors } = await run(await open());
      expect(losses).toHaveLength(50);
      expect(losses.at(-1)!).toBeLessThan(losses[0]! * 0.9);
      expect(Math.max(...losses.map((loss, i) => Math.abs(loss - reference.losses[i]!)))).toBeLessThan(1e-3);
      expect(elsewhere.filter((kernel) => !/^(normal|uniform):(host|reference)$/.test(kernel))).toEqual([]);
      expect(tensors[1]).toBe(tensors[0]);
    });
  }
});

/** A small run whose batches follow from the step. */
function smallRun() {
  const model = scope(() => gpt2({ vocabSize: 11, maxSeqLen: 8, dModel: 16, numLayers: 1, numHeads: 2 }, rng(3)));
  const optimizer = adamW({ parameters: parameters(model), learningRate: 3e-3 });
  let at = 0;
  const cursor = {
    state: () => ({ at }),
    restore: (state: unknown) => void (at = (state as { at: number }).at),
  };
  async function step(): Promise<number> {
    const tokens = Int32Array.from({ length: 32 }, (_, i) => (i * 3 + at) % 11);
    at++;
    const loss = scope(() => {
      const targets = fromArray(
        tokens.map((token) => (token + 3) % 11),
        [4, 8],
      );
      const lossOf = () => crossEntropy(model.forward(fromArray(tokens, [4, 8])), targets);
      const { value, gradients } = valueAndGradients(lossOf, optimizer.parameters);
      optimizer.step(gradients);
      return value;
    });
    const value = (await data(loss))[0]!;
    loss.dispose();
    return value;
  }
  return { model, optimizer, cursor, step };
}

describe.skipIf(missing)("WebGPU on Dawn", () => {
  let before: Backend | undefined;
  beforeAll(() => void (before = useBackend(createReferenceBackend())));
  afterAll(() => void (before && useBackend(before)));

  test("is found through the object that is given, and says what it is", async () => {
    const gpu = await useGpu({ gpu: dawn });
    expect(gpu.mode).toBe("webgpu");
    expect(gpu.capabilities().details["adapter"]).toMatch(/\w/);
    expect([...(await data(add(ones([2]), 1)))]).toEqual([2, 2]);
  });

  test("a step is a few hundred launches in a few submissions, and the pool stops growing", async () => {
    const gpu = await openDawn();
    useBackend(gpu);
    const { step } = smallRun();
    for (let i = 0; i < 5; i++) await step();
    const early = gpu.statistics()!;
    await step();
    const late = gpu.statistics()!;
    expect(late.launches - early.launches).toBeGreaterThan(20);
    expect(late.submissions - early.submissions).toBeLessThanOrEqual(2);
    for (let i = 0; i < 20; i++) await step();
    const end = gpu.statistics()!;
    expect([end.buffers, end.bytes]).toEqual([late.buffers, late.bytes]);
    expect(end.pooledBytes).toBe(late.pooledBytes);
  });

  test("a device lost in the middle of a run: a typed error, and the run goes on from its snapshot", async () => {
    useBackend(await openDawn());
    const undisturbed = smallRun();
    const curve: number[] = [];
    for (let i = 0; i < 12; i++) curve.push(await undisturbed.step());

    const gpu = await openDawn();
    useBackend(gpu);
    const told: Error[] = [];
    gpu.onLost((error) => told.push(error));
    const first = smallRun();
    const losses: number[] = [];
    for (let i = 0; i < 6; i++) losses.push(await first.step());
    const snapshot = await captureRun({ ...first, step: 6, rng: rng(0), metrics: {}, settings: {} });
    losses.push(await first.step());
    gpu.destroy();
    await expect(first.step()).rejects.toThrow(DeviceLostError);
    expect(told.map(({ name }) => name)).toEqual(["DeviceLostError"]);
    expect(() => zeros([2])).toThrow(DeviceLostError);

    useBackend(await openDawn());
    const second = smallRun();
    restoreRun(snapshot, second);
    losses.length = 6;
    for (let i = 6; i < 12; i++) losses.push(await second.step());
    expect(Math.max(...losses.map((loss, i) => Math.abs(loss - curve[i]!)))).toBeLessThan(1e-3);
  });

  test("out of memory, by a limit of ours: the bytes wanted and in use; what is held stays", async () => {
    const gpu = await openDawn({ maxBytes: 3 * 2 ** 20 });
    useBackend(gpu);
    const kept = ones([2 ** 18]); // 1 MiB
    const failure = await Promise.resolve()
      .then(() => data(add(ones([2 ** 20]), 1)))
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OutOfMemoryError);
    expect((failure as OutOfMemoryError).message).toMatch(
      /^allocate: the webgpu device is out of memory, expected room for \d+ more bytes, got \d+ in use\. Free tensors, or use smaller batches$/,
    );
    expect((failure as OutOfMemoryError).wanted).toBeGreaterThanOrEqual(2 ** 22);
    expect((await data(kept))[0]).toBe(1);
    dispose(kept);
  });

  test("what is freed makes room again", async () => {
    useBackend(await openDawn({ maxBytes: 3 * 2 ** 20 }));
    for (const size of [2 ** 18, 2 ** 19, 2 ** 17, 2 ** 19]) {
      const x = ones([size]);
      expect((await data(x)).length).toBe(size);
      x.dispose();
    }
  });
});
