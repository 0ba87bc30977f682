import { describe, expect, test } from "vitest";
import { webgl2Device } from "../src/devices/webgl2.ts";
import type { GpuInstance, GpuKernel } from "../src/gpu-js.ts";
import { program } from "../src/program.ts";

/** gpu.js with a context whose state the test sets: Node has no WebGL2, and no browser runs out of memory when asked. */
function fake() {
  const state = { lost: false, error: 0, live: 0 };
  const listeners: (() => void)[] = [];
  const context = {
    canvas: { addEventListener: (_: string, listener: () => void) => void listeners.push(listener) },
    isContextLost: () => state.lost,
    getError: () => {
      const { error } = state;
      state.error = 0;
      return error;
    },
  };
  const createKernel = (): GpuKernel => {
    let length = 0;
    const run = () => {
      state.live++;
      return { context, toArray: () => new Float32Array(length), delete: () => void state.live-- };
    };
    const kernel: GpuKernel = Object.assign(run, {
      setOutput([size]: readonly number[]) {
        length = size!;
        return kernel;
      },
    });
    return kernel;
  };
  const lose = (): void => {
    state.lost = true;
    for (const listener of listeners) listener();
  };
  return { gpu: { createKernel } satisfies GpuInstance, state, lose };
}

const double = () => program("double", 1, [], () => "return 2 * a[this.thread.x];");

describe("memory on WebGL2", () => {
  test("a texture over the limit is refused with the bytes wanted and in use; what is freed makes room", () => {
    const { gpu, state } = fake();
    const device = webgl2Device(gpu, 1000);
    const x = device.upload(new Float32Array(150));
    expect(() => device.run(double(), 150, [x], [])).toThrowErrorMatchingInlineSnapshot(
      `[OutOfMemoryError: allocate: the webgl2 device is out of memory, expected room for 600 more bytes, got 600 in use. Free tensors, or use smaller batches]`,
    );
    expect(device.statistics!()).toMatchObject({ buffers: 1, bytes: 600, launches: 1 });
    device.release(x);
    expect(state.live).toBe(0);
    device.release(device.upload(new Float32Array(250)));
    expect(device.statistics!()).toMatchObject({ buffers: 0, bytes: 0 });
  });

  test("a program that writes four numbers a thread takes four times the bytes", () => {
    const device = webgl2Device(fake().gpu);
    const x = device.upload(new Float32Array(8));
    device.run({ ...double(), fours: "written" }, 8, [x], []);
    expect(device.statistics!().bytes).toBe(8 * 4 + 8 * 16);
  });

  test("a driver without room is an error of the next read, and of that one only", async () => {
    const { gpu, state } = fake();
    const device = webgl2Device(gpu);
    const small = device.upload(new Float32Array(2));
    device.upload(new Float32Array(1000));
    state.error = 0x0505;
    await expect(device.read(small, 2)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[OutOfMemoryError: allocate: the webgl2 device is out of memory, expected room for 4000 more bytes, got 8 in use. Free tensors, or use smaller batches]`,
    );
    expect(await device.read(small, 2)).toEqual(new Float32Array(2));
  });
});

describe("a lost context", () => {
  test("is told to listeners once, and to every later launch and read", async () => {
    const { gpu, lose } = fake();
    const device = webgl2Device(gpu);
    const x = device.upload(new Float32Array(2));
    const told: string[] = [];
    const stop = device.onLost!(() => void told.push("stopped"));
    device.onLost!(({ name }) => void told.push(name));
    stop();
    lose();
    expect(told).toEqual(["DeviceLostError"]);
    expect(() => device.upload(new Float32Array(1))).toThrowErrorMatchingInlineSnapshot(
      `[DeviceLostError: data: the webgl2 device was lost (the browser took the context away), expected a live one. Call useGpu again and load the last snapshot]`,
    );
    await expect(device.read(x, 2)).rejects.toThrow(/^data: the webgl2 device was lost/);
    device.onLost!(({ name }) => void told.push(`${name}, late`));
    expect(told).toEqual(["DeviceLostError", "DeviceLostError, late"]);
  });
});
