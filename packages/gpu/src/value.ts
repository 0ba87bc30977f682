import type { Data, Device } from "./devices/device.ts";

/**
 * The elements of one tensor on a device: not changed once made while more than one holds them, shared by counting. Launches
 * run in their order, so a value may be released as soon as the kernels that read it are issued.
 */
export class Value {
  readonly length: number;
  readonly data: Data;
  private references = 1;
  private readonly device: Device;

  constructor(device: Device, length: number, data: Data) {
    this.device = device;
    this.length = length;
    this.data = data;
  }

  /** Whether several hold it: one alone may change it in place. */
  get isShared(): boolean {
    return this.references > 1;
  }

  retain(): this {
    this.references++;
    return this;
  }

  release(): void {
    if (--this.references === 0) this.device.release(this.data);
  }
}
