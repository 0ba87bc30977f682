import type { Backend, BackendBuffer } from "./backend.ts";

/** Live storage of one backend. */
export interface BufferCount {
  buffers: number;
  bytes: number;
}

const counts = new WeakMap<Backend, BufferCount>();

export function countOf(backend: Backend): BufferCount {
  let count = counts.get(backend);
  if (!count) counts.set(backend, (count = { buffers: 0, bytes: 0 }));
  return count;
}

/** A reference-counted backend buffer, or a part of one. Tensors that share memory share its life. */
export class Storage {
  readonly backend: Backend;
  readonly buffer: BackendBuffer;
  private readonly whole: Storage | undefined;
  private references = 1;

  constructor(backend: Backend, buffer: BackendBuffer, whole?: Storage) {
    this.backend = backend;
    this.buffer = buffer;
    this.whole = whole;
    if (whole) whole.retain();
    else {
      const count = countOf(backend);
      count.buffers++;
      count.bytes += buffer.bytes;
    }
  }

  static allocate(backend: Backend, bytes: number): Storage {
    return new Storage(backend, backend.allocate(bytes));
  }

  retain(): this {
    this.references++;
    return this;
  }

  release(): void {
    if (--this.references > 0) return;
    if (this.whole) {
      this.whole.release();
      return;
    }
    const count = countOf(this.backend);
    count.buffers--;
    count.bytes -= this.buffer.bytes;
    this.backend.free(this.buffer);
  }

  /** Shares part of the memory, or undefined where the backend cannot. */
  part(byteOffset: number, bytes: number): Storage | undefined {
    const { view } = this.backend;
    if (!view) return undefined;
    return new Storage(this.backend, view.call(this.backend, this.buffer, byteOffset, bytes), this);
  }
}
