/**
 * gpu.js 2.24.1 by itself: the two ways to write a product that were fastest in it. One output cell per thread, and four cells of a
 * row per thread returned as `Array(4)`. Operands stay on the adapter; the product is not read back, only one of its cells.
 */
import * as gpuJs from "gpu.js";
import { packageVersion } from "../../sides/package-version.ts";
import { sampled, squareMatrices } from "../operands.ts";
import type { GpuJob, GpuTask } from "../task.ts";

interface Result {
  readonly buffer: GPUBuffer;
  toArray(): Promise<Float32Array | readonly Float32Array[]>;
  delete(): void;
}

/** What is used of the package; its own typings miss WebGPU. */
const { GPU, WebGPUContext } = gpuJs as unknown as {
  readonly GPU: new (settings: { readonly mode: string }) => Instance;
  readonly WebGPUContext: { acquire(): Promise<{ readonly device: GPUDevice }> };
};

type Kernel = (...args: readonly unknown[]) => Promise<Result>;

interface Instance {
  createKernel(source: string, settings: object): Kernel;
}

const oneCell = `function (a, b, n) {
  let total = 0;
  for (let i = 0; i < n; i++) {
    total += a[this.thread.y * n + i] * b[i * n + this.thread.x];
  }
  return total;
}`;

const fourCells = `function (a, b, n) {
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  const column = this.thread.x * 4;
  for (let i = 0; i < n; i++) {
    const left = a[this.thread.y * n + i];
    const place = i * n + column;
    first += left * b[place];
    second += left * b[place + 1];
    third += left * b[place + 2];
    fourth += left * b[place + 3];
  }
  return [first, second, third, fourth];
}`;

const identity = "function (a) { return a[this.thread.x]; }";

const settings = {
  precision: "single",
  tactic: "precision",
  dynamicOutput: true,
  dynamicArguments: true,
  pipeline: true,
  immutable: true,
  loopMaxIterations: 2 ** 25,
};

let instance: Instance | undefined;

/** Reads the first bytes of a buffer on gpu.js's own device. */
async function readBuffer(buffer: GPUBuffer, bytes: number): Promise<Float32Array> {
  const { device } = await WebGPUContext.acquire();
  const staging = device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, bytes);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const values = new Float32Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return values;
}

async function openWith(task: GpuTask, cells: 1 | 4): Promise<GpuJob | undefined> {
  if (task.kind !== "matmul") return undefined;
  const { n } = task;
  instance ??= new GPU({ mode: "webgpu" });
  const upload = instance.createKernel(identity, { ...settings, output: [n * n], argumentTypes: ["Array"] });
  const multiply = instance.createKernel(cells === 1 ? oneCell : fourCells, {
    ...settings,
    output: [n / cells, n],
    argumentTypes: ["Array", "Array", "Float"],
    ...(cells === 4 && { returnType: "Array(4)" }),
  });
  const { a, b } = squareMatrices(n);
  const left = await upload(a);
  const right = await upload(b);
  return {
    about: { "gpu.js": packageVersion("gpu.js"), "cells per thread": String(cells) },
    run: async (repeat) => {
      for (let i = 1; i < repeat; i++) (await multiply(left, right, n)).delete();
      const last = await multiply(left, right, n);
      await readBuffer(last.buffer, 4);
      last.delete();
    },
    witness: async () => {
      const product = await multiply(left, right, n);
      const values = sampled(await readBuffer(product.buffer, n * n * 4));
      product.delete();
      return values;
    },
    close: () => {
      left.delete();
      right.delete();
    },
  };
}

/** One cell of the product per thread. */
export const open = (task: GpuTask): Promise<GpuJob | undefined> => openWith(task, 1);

/** Four cells of a row per thread. */
export const openFour = (task: GpuTask): Promise<GpuJob | undefined> => openWith(task, 4);
