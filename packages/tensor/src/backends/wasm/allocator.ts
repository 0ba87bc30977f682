/** No memory left for a tensor: the message says how much was wanted and how much is in use. */
export class OutOfMemoryError extends Error {
  override readonly name = "OutOfMemoryError";
}

/** A stretch of memory; neighbors in address order are linked as long as they touch. */
interface Block {
  readonly start: number;
  size: number;
  free: boolean;
  before: Block | undefined;
  after: Block | undefined;
}

const ALIGNMENT = 64;
const PAGE = 65536;
/** Growing asks for this much at least, and for a quarter of what is there: few large steps. Untouched pages cost nothing. */
const SMALLEST_STEP = 16 * 1024 * 1024;

const alignUp = (bytes: number, to: number): number => Math.ceil(bytes / to) * to;

/** Whether free block a is to be taken before b when both are large enough: the smaller, then the lower. */
const comesBefore = (a: { size: number; start: number }, size: number, start: number): boolean =>
  a.size < size || (a.size === size && a.start < start);

/**
 * Hands out 64-byte aligned parts of a growing address space: best fit, neighbors that are free are joined at once.
 *
 * `grow(bytes)` extends the space by whole pages and returns where they begin, or undefined if it cannot. Pages need
 * not follow those before.
 */
export class Allocator {
  private readonly grow: (bytes: number) => number | undefined;
  private readonly used = new Map<number, Block>();
  /** Free blocks by size, then address. */
  private readonly free: Block[] = [];
  private last: Block | undefined;
  private capacity = 0;
  /** Bytes handed out, rounding included. */
  bytesInUse = 0;

  constructor(grow: (bytes: number) => number | undefined) {
    this.grow = grow;
  }

  /** Live allocations. */
  get count(): number {
    return this.used.size;
  }

  /** Bytes managed, in use or not. */
  get bytesTotal(): number {
    return this.capacity;
  }

  /** Free stretches; 1 or 0 once everything was released, unless others took pages between. */
  get fragments(): number {
    return this.free.length;
  }

  /** Adds a stretch that exists already. */
  addRegion(start: number, bytes: number): void {
    const from = alignUp(start, ALIGNMENT);
    const size = Math.floor((start + bytes - from) / ALIGNMENT) * ALIGNMENT;
    if (size <= 0) return;
    this.capacity += size;
    const before = this.last && this.last.start + this.last.size === from ? this.last : undefined;
    const block: Block = { start: from, size, free: false, before, after: undefined };
    if (before) before.after = block;
    this.last = block;
    this.putBack(block);
  }

  /**
   * Address of `bytes` free bytes.
   *
   * @throws OutOfMemoryError if the space cannot grow far enough
   */
  allocate(bytes: number): number {
    const size = Math.max(ALIGNMENT, alignUp(bytes, ALIGNMENT));
    let at = this.position(size, 0);
    if (at === this.free.length) {
      this.extend(bytes, size);
      at = this.position(size, 0);
    }
    const block = this.free.splice(at, 1)[0]!;
    block.free = false;
    if (block.size > size) this.split(block, size);
    this.used.set(block.start, block);
    this.bytesInUse += size;
    return block.start;
  }

  /** Gives back what `allocate` returned. */
  release(start: number): void {
    const block = this.used.get(start);
    if (!block)
      throw new RangeError(
        `release: start is not an address in use, expected one that allocate returned, got ${start}`,
      );
    this.used.delete(start);
    this.bytesInUse -= block.size;
    this.putBack(block);
  }

  private extend(bytes: number, size: number): void {
    // A large step first; then what is missing, again where others took pages after the last stretch, so that it could not be joined.
    for (let attempt = 0; attempt < 3; attempt++) {
      const missing = this.last?.free ? size - this.last.size : size;
      const step = attempt === 0 ? Math.max(missing, SMALLEST_STEP, this.capacity / 4) : missing;
      const grown = alignUp(step, PAGE);
      const start = this.grow(grown);
      if (start === undefined) continue;
      this.addRegion(start, grown);
      if (this.position(size, 0) < this.free.length) return;
    }
    throw new OutOfMemoryError(
      `allocate: memory is full, expected room for ${bytes} more bytes, got ${this.bytesInUse} bytes in ${this.count} buffers in use. Free tensors (scope, dispose) or use smaller batches`,
    );
  }

  private split(block: Block, size: number): void {
    const rest: Block = {
      start: block.start + size,
      size: block.size - size,
      free: false,
      before: block,
      after: block.after,
    };
    if (block.after) block.after.before = rest;
    else if (this.last === block) this.last = rest;
    block.after = rest;
    block.size = size;
    this.insert(rest);
  }

  private putBack(block: Block): void {
    let joined = block;
    const { before, after } = block;
    if (after?.free) {
      this.remove(after);
      this.absorb(joined, after);
    }
    if (before?.free) {
      this.remove(before);
      this.absorb(before, joined);
      joined = before;
    }
    this.insert(joined);
  }

  private absorb(block: Block, next: Block): void {
    block.size += next.size;
    block.after = next.after;
    if (next.after) next.after.before = block;
    if (this.last === next) this.last = block;
  }

  private insert(block: Block): void {
    block.free = true;
    this.free.splice(this.position(block.size, block.start), 0, block);
  }

  private remove(block: Block): void {
    block.free = false;
    this.free.splice(this.position(block.size, block.start), 1);
  }

  /** Index of the first free block that does not come before (size, start). */
  private position(size: number, start: number): number {
    let low = 0;
    let high = this.free.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comesBefore(this.free[middle]!, size, start)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
