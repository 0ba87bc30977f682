import { seededNumbers } from "@heed/test-tools";
import { describe, expect, test } from "vitest";
import { Allocator } from "../../src/backends/wasm/allocator.ts";

const PAGE = 65536;

/** An address space that ends at `limit` pages; `hole` pages are taken by somebody else at each growth. */
function makeSpace(limit: number, hole = 0): { allocator: Allocator; pages: () => number } {
  let pages = 0;
  const allocator = new Allocator((bytes) => {
    expect(bytes % PAGE).toBe(0);
    const wanted = bytes / PAGE + hole;
    if (pages + wanted > limit) return undefined;
    pages += wanted;
    return (pages - bytes / PAGE) * PAGE;
  });
  return { allocator, pages: () => pages };
}

describe("Allocator", () => {
  test.each([1, 2, 3, 4])("never hands out a byte twice, and joins everything that is free, seed %i", (seed) => {
    const random = seededNumbers(seed);
    const { allocator } = makeSpace(4096);
    const live = new Map<number, number>();
    for (let step = 0; step < 3000; step++) {
      if (random() < 0.55 || live.size === 0) {
        const bytes = Math.floor(random() ** 4 * 200_000);
        const start = allocator.allocate(bytes);
        expect(start % 64).toBe(0);
        for (const [other, size] of live) {
          if (start < other + Math.max(size, 1) && other < start + Math.max(bytes, 1))
            throw new Error(`${start} + ${bytes} overlaps ${other} + ${size}`);
        }
        live.set(start, bytes);
      } else {
        const start = [...live.keys()][Math.floor(random() * live.size)] as number;
        allocator.release(start);
        live.delete(start);
      }
      expect(allocator.count).toBe(live.size);
    }
    for (const start of live.keys()) allocator.release(start);
    expect(allocator.bytesInUse).toBe(0);
    expect(allocator.fragments).toBe(1);
    const whole = allocator.bytesTotal;
    expect(allocator.allocate(whole)).toBe(0);
    expect(allocator.bytesTotal).toBe(whole);
  });

  test("does not join across pages that others took", () => {
    const { allocator } = makeSpace(4096, 1);
    const starts = [20, 20, 20].map((megabytes) => allocator.allocate(megabytes << 20));
    for (const start of starts) allocator.release(start);
    expect(allocator.fragments).toBe(3);
    expect(allocator.bytesInUse).toBe(0);
  });

  test("fills the space to the end although others took pages after its last stretch", () => {
    let pages = 5;
    const allocator = new Allocator((bytes) => {
      if (pages + bytes / PAGE > 1000) return undefined;
      pages += bytes / PAGE;
      return pages * PAGE - bytes;
    });
    allocator.addRegion(0, 3 * PAGE); // pages 3 and 4 are somebody else's
    allocator.allocate(700 * PAGE);
    expect(pages).toBeLessThanOrEqual(708);
  });

  test("reuses the place of a buffer of equal size", () => {
    const { allocator } = makeSpace(4096);
    const [, second] = [1000, 5000, 9000].map((bytes) => allocator.allocate(bytes));
    allocator.release(second as number);
    expect(allocator.allocate(5000)).toBe(second);
  });

  test("does not grow while a steady load comes and goes", () => {
    const { allocator } = makeSpace(4096);
    const step = (): void => {
      const starts = Array.from({ length: 200 }, (_, i) => allocator.allocate(1000 * (i % 37)));
      for (const start of starts.reverse()) allocator.release(start);
    };
    step();
    const total = allocator.bytesTotal;
    for (let i = 0; i < 50; i++) step();
    expect(allocator.bytesTotal).toBe(total);
    expect(allocator.count).toBe(0);
  });

  test("takes what is left when a large step does not fit, then says that memory is full", () => {
    const { allocator } = makeSpace(32);
    const start = allocator.allocate(30 * PAGE);
    expect(() => allocator.allocate(3 * PAGE)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfMemoryError: allocate: memory is full, expected room for 196608 more bytes, got 1966080 bytes in 1 buffers in use. Free tensors (scope, dispose) or use smaller batches]`,
    );
    allocator.release(start);
    expect(allocator.allocate(30 * PAGE)).toBe(start);
  });

  test("refuses an address that it did not hand out", () => {
    const { allocator } = makeSpace(32);
    const start = allocator.allocate(100);
    allocator.release(start);
    expect(() => allocator.release(start)).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: release: start is not an address in use, expected one that allocate returned, got 0]`,
    );
  });
});
