/**
 * Working memory of one thread. Every thread has its own instance of the module, hence its own variables here.
 *
 * The region comes straight from `memory.grow`, which is safe from any thread and never hands out the same pages
 * twice; the host's allocator sees a gap and goes on after it. A region that became too small is not reused, but
 * regions at least double, so that what is lost stays below what is in use.
 */
let region: usize = 0;
let capacity: usize = 0;

/** At least `bytes` bytes, 64-byte aligned, contents arbitrary, valid until the chunk ends. Traps when memory is full. */
export function threadScratch(bytes: usize): usize {
  if (bytes > capacity) {
    const pages = i32((max(bytes, capacity * 2) + 0xffff) >>> 16);
    const before = memory.grow(pages);
    if (before < 0) unreachable();
    region = <usize>before << 16;
    capacity = <usize>pages << 16;
  }
  return region;
}
