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
