import type { Data, Device } from "./devices/device.ts";

const isPromise = (data: Data | Promise<Data>): data is Promise<Data> => data instanceof Promise;

/**
 * The elements of one tensor on a device: never changed once made, shared by counting. The data may still be promised;
 * whoever computes with it takes a reference first, so that a tensor may be freed while its kernels wait.
 */
export class Value {
  readonly length: number;
  private data: Data | Promise<Data>;
  private references = 1;
  private readonly device: Device;

  constructor(device: Device, length: number, data: Data | Promise<Data>) {
    this.device = device;
    this.length = length;
    this.data = data;
    if (!isPromise(data)) return;
    data.then(
      (ready) => {
        this.data = ready;
        if (this.references === 0) device.release(ready);
      },
      () => {}, // the next read rejects with it
    );
  }

  retain(): this {
    this.references++;
    return this;
  }

  release(): void {
    if (--this.references === 0 && !isPromise(this.data)) this.device.release(this.data);
  }

  /** The data, or its promise. */
  get(): Data | Promise<Data> {
    return this.data;
  }
}

/** Calls `use` with the data of values, at once where all of them are there. They are kept alive until it is done. */
export function whenReady<T>(values: readonly Value[], use: (data: readonly Data[]) => T | Promise<T>): T | Promise<T> {
  const found = values.map((value) => value.get());
  if (!found.some(isPromise)) {
    const result = use(found);
    if (!(result instanceof Promise)) return result;
    return keepUntil(values, result);
  }
  return keepUntil(values, Promise.all(found).then(use));
}

function keepUntil<T>(values: readonly Value[], result: Promise<T>): Promise<T> {
  for (const value of values) value.retain();
  const done = () => {
    for (const value of values) value.release();
  };
  result.then(done, done);
  return result;
}
