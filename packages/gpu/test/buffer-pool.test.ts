import { describe, expect, test } from "vitest";
import { BufferPool, sizeClass } from "../src/devices/webgpu/buffer-pool.ts";
import { OutOfMemoryError } from "../src/index.ts";
import type { GpuBuffer, GpuDevice } from "../src/web-gpu.ts";

/** A device that only makes buffers and remembers which are left. */
function fakeDevice() {
  const alive = new Set<GpuBuffer>();
  const device = {
    createBuffer({ size }: { readonly size: number }) {
      const buffer = { size, destroy: () => void alive.delete(buffer) } as GpuBuffer;
      alive.add(buffer);
      return buffer;
    },
    pushErrorScope: () => {},
    popErrorScope: () => Promise.resolve(null),
  } as unknown as GpuDevice;
  return { device, alive };
}

const poolOf = (maxBytes = Number.POSITIVE_INFINITY) => {
  const { device, alive } = fakeDevice();
  return { pool: new BufferPool(device, { maxBytes, onFailure: () => {} }), alive };
};

describe("sizeClass", () => {
  test("has room for the bytes and wastes at most an eighth beyond 4 kB", () => {
    for (let bytes = 1; bytes < 2 ** 22; bytes = Math.ceil(bytes * 1.37)) {
      const size = sizeClass(bytes);
      expect(size).toBeGreaterThanOrEqual(bytes);
      expect(size % 256).toBe(0);
      expect(sizeClass(size)).toBe(size);
      if (bytes > 4096) expect(size).toBeLessThanOrEqual(bytes * 1.125 + 256);
    }
  });
});

describe("BufferPool", () => {
  test("a freed buffer serves the next tensor of its size, at once for kernels", () => {
    const { pool } = poolOf();
    const first = pool.take(1000);
    pool.give(first);
    expect(pool.take(900)).toBe(first);
  });

  test("the host gets no buffer that recorded commands may still use", () => {
    const { pool } = poolOf();
    const first = pool.take(1000);
    pool.give(first);
    const second = pool.take(1000, { fromHost: true });
    expect(second).not.toBe(first);
    pool.settle(1);
    expect(pool.take(1000, { fromHost: true })).toBe(first);
  });

  test("counts what is in use and what is pooled", () => {
    const { pool } = poolOf();
    const buffer = pool.take(1000);
    pool.take(300);
    pool.give(buffer);
    expect(pool.statistics()).toEqual({ buffers: 1, bytes: 512, pooledBuffers: 1, pooledBytes: 1024 });
  });

  test("keeps at most as much as is in use, beyond 256 MiB: what was freed first goes", () => {
    const { pool, alive } = poolOf();
    const buffers = [1, 2, 3].map(() => pool.take(2 ** 27));
    for (const buffer of buffers) pool.give(buffer);
    expect(alive.size).toBe(3);
    pool.settle(1);
    expect(alive.has(buffers[0]!)).toBe(false);
    expect(alive.size).toBe(2);
    expect(pool.statistics().pooledBytes).toBe(2 ** 28);
  });

  test("destroys what is pooled before it says that there is no room", () => {
    const { pool, alive } = poolOf(4096);
    const first = pool.take(2048);
    pool.give(first);
    pool.take(3072);
    expect(alive.has(first)).toBe(false);
    expect(() => pool.take(2048)).toThrow(OutOfMemoryError);
    expect(() => pool.take(2048)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfMemoryError: allocate: the webgpu device is out of memory, expected room for 2048 more bytes, got 3072 in use. Free tensors, or use smaller batches]`,
    );
  });
});
