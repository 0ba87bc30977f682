import { create } from "webgpu";

/**
 * WebGPU in Node: Dawn, on the machine's Vulkan driver or the one of software that Chromium brings (the checks say where it is).
 * Kept for the life of the process: Dawn crashes where it is collected before its devices.
 */
export const dawn = create([]);

/** Why Dawn has no adapter; undefined if it has one. */
export async function missingDriver(): Promise<string | undefined> {
  return (await dawn.requestAdapter()) ? undefined : "Dawn finds no Vulkan driver. Install Debian's package chromium";
}
