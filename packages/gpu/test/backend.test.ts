import {
  adamwStep,
  add,
  assign,
  countBuffers,
  data,
  fromArray,
  gather,
  linear,
  multiply,
  ones,
  reshape,
  rng,
  scope,
  softmax,
  sum,
  tensor,
  uniform,
  useBackend,
  valueAndGradients,
  zeros,
} from "@heed/tensor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGpuBackend, type GpuBackend, useGpu } from "../src/index.ts";

let gpu: GpuBackend;
let before: ReturnType<typeof useBackend>;
beforeAll(async () => {
  gpu = await createGpuBackend({ prefer: "cpu" });
  before = useBackend(gpu);
});
afterAll(() => void (before && useBackend(before)));

const message = async (run: () => unknown): Promise<string> => {
  try {
    await run();
  } catch (error) {
    return String(error);
  }
  return "nothing was thrown";
};

describe("useGpu", () => {
  test("falls through the modes that Node has not, and says why", async () => {
    const found = await useGpu();
    expect(found.mode).toBe("cpu");
    expect(found.unavailable).toEqual({
      webgpu: "navigator.gpu is missing",
      webgl2: "no WebGL2 context that renders to float textures",
    });
    expect(found.capabilities().details["no webgpu"]).toBe("navigator.gpu is missing");
    expect(tensor([1]).backend).toBe(found);
    useBackend(gpu);
  });

  test("names every reason when nothing works", async () => {
    expect(await message(() => createGpuBackend({ prefer: ["webgpu", "webgl2"] }))).toMatchInlineSnapshot(
      `"UnsupportedOpError: createGpuBackend: none of the modes works here, expected one of webgpu, webgl2, got webgpu (navigator.gpu is missing); webgl2 (no WebGL2 context that renders to float textures). Use the default backend"`,
    );
  });

  test("refuses a mode that does not exist", async () => {
    const prefer = "cuda" as "cpu";
    expect(await message(() => createGpuBackend({ prefer }))).toMatchInlineSnapshot(
      `"RangeError: createGpuBackend: prefer names an unknown mode, expected webgpu, webgl2, cpu, got cuda"`,
    );
  });
});

describe("whole numbers", () => {
  test("are exact up to 2^24", async () => {
    const values = [2 ** 24, -(2 ** 24), 2 ** 24 - 1, 0, -7];
    expect(await data(fromArray(Int32Array.from(values), [5]))).toEqual(Int32Array.from(values));
  });

  test("beyond are refused when written", async () => {
    expect(await message(() => fromArray(Int32Array.of(1, 2 ** 24 + 1), [2]))).toMatchInlineSnapshot(
      `"RangeError: write: int32 value at position 1 is not exact on this backend, expected at most 2^24 in size, got 16777217. Use the default backend for larger whole numbers"`,
    );
  });

  test("beyond are refused when read", async () => {
    const large = fromArray(Int32Array.of(2 ** 23 + 1), [1]);
    expect(await message(() => data(multiply(large, 3)))).toMatchInlineSnapshot(
      `"RangeError: read: int32 value at position 0 is not exact on this backend, expected at most 2^24 in size, got 25165828. Use the default backend for larger whole numbers"`,
    );
  });
});

describe("the report", () => {
  test("says which operations ran where", async () => {
    gpu.resetReport();
    const x = uniform([4], { rng: rng(1) });
    sum(add(x, 1));
    expect(gpu.report()).toEqual([
      { op: "uniform", kernel: "host", calls: 1 },
      { op: "add", kernel: "gpu.js cpu", calls: 1 },
      { op: "sum", kernel: "gpu.js cpu", calls: 1 },
    ]);
  });

  test("has no fallback after a training step, which strict mode allows", async () => {
    const strict = await createGpuBackend({ prefer: "cpu", strict: true });
    useBackend(strict);
    const weight = fromArray([0.5, -0.25, 1, 0.75, 0.1, -0.3], [3, 2]);
    const x = fromArray([1, 2, 3, 4], [2, 2]);
    const loss = () => sum(softmax(linear(x, weight, undefined, { activation: "gelu" })));
    valueAndGradients(loss, [weight]);
    useBackend(gpu);
    expect(strict.report().filter(({ kernel }) => kernel !== "gpu.js cpu")).toEqual([]);
  });
});

describe("memory", () => {
  test("live buffers stay flat over 200 steps", async () => {
    const weight = ones([8, 8]);
    const state = [zeros([8, 8]), zeros([8, 8])] as const;
    const step = (index: number): void =>
      scope(() => {
        const x = uniform([4, 8], { rng: rng(index) });
        const { gradients } = valueAndGradients(() => sum(softmax(linear(x, weight))), [weight]);
        adamwStep({
          parameters: [weight],
          gradients,
          firstMoments: [state[0]],
          secondMoments: [state[1]],
          learningRates: [1e-3],
          weightDecays: [0],
          beta1: 0.9,
          beta2: 0.99,
          epsilon: 1e-8,
          step: index + 1,
        });
      });
    step(0);
    const live = countBuffers(gpu);
    for (let i = 1; i <= 200; i++) step(i);
    expect(countBuffers(gpu)).toEqual(live);
  });

  test("what shares memory changes together, what was computed before does not", async () => {
    const x = tensor([1, 2, 3, 4]);
    const view = reshape(x, [2, 2]);
    const doubled = multiply(x, 2);
    assign(x, tensor([5, 6, 7, 8]));
    expect([...(await data(view))]).toEqual([5, 6, 7, 8]);
    expect([...(await data(doubled))]).toEqual([2, 4, 6, 8]);
  });

  test("a copy outlives what it was copied from", async () => {
    const source = tensor([1, 2]);
    const target = zeros([2]);
    assign(target, source);
    source.dispose();
    expect([...(await data(target))]).toEqual([1, 2]);
  });
});

test("an index out of range reads the nearest position", async () => {
  const x = tensor([10, 20, 30]);
  const found = gather(x, fromArray(Int32Array.of(-1, 7, 1), [3]));
  expect([...(await data(found))]).toEqual([10, 30, 20]);
});
