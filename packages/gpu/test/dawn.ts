import { create } from "webgpu";
import type { Gpu } from "../src/web-gpu.ts";

/** WebGPU in Node. Kept for the life of the process: Dawn crashes where it is collected before its devices. */
export const dawn = create([]) as unknown as Gpu;

/** Why tests on Dawn cannot run; undefined if they can. */
export const missing = (await dawn.requestAdapter())
  ? undefined
  : "Dawn finds no Vulkan driver. Install Debian's package chromium";
if (missing) console.log(`gpu: tests on Dawn skipped, because ${missing}`);

/** Whether everything has to run: then a missing driver is a failure, which browser-tests/test/node.test.ts reports. */
export const skip = missing !== undefined;
