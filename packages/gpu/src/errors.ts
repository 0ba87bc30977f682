/** The device that a tensor lived on is gone, and its values with it. Tensors on other backends are not affected. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
}

/** One text for every way in which a device can go. */
export function deviceLost(mode: string, reason: string): DeviceLostError {
  return new DeviceLostError(
    `data: the ${mode} device was lost (${reason}), expected a live one. Call useGpu again and load the last snapshot`,
  );
}

/** The device has no room for another tensor. What it holds stays. */
export class OutOfMemoryError extends Error {
  override readonly name = "OutOfMemoryError";
  /** bytes of the buffer that did not fit */
  readonly wanted: number;
  /** bytes that tensors held then */
  readonly inUse: number;

  constructor(mode: string, { wanted, inUse }: { readonly wanted: number; readonly inUse: number }) {
    super(
      `allocate: the ${mode} device is out of memory, expected room for ${wanted} more bytes, got ${inUse} in use. Free tensors, or use smaller batches`,
    );
    this.wanted = wanted;
    this.inUse = inUse;
  }
}
