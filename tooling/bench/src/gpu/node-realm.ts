/** Entry of the Node process that plays the page: puts Dawn where a browser has WebGPU, loads the bundle and answers its parent. */
import { pathToFileURL } from "node:url";
import { create, globals } from "webgpu";
import { packageVersion } from "../sides/package-version.ts";
import type { GpuRealm } from "./realm.ts";

Object.assign(globalThis, globals);
// Libraries look for a browser by these names.
Object.assign(globalThis, { window: globalThis, self: globalThis, WorkerGlobalScope: Object });
Object.defineProperty(globalThis.navigator, "gpu", { value: create([]), configurable: true });
await import(pathToFileURL(process.argv[2] as string).href);
const { heedGpuBench } = globalThis as unknown as { readonly heedGpuBench: GpuRealm };

type Request = { readonly method: "name" | "adapter" | "measure"; readonly argument?: unknown };

async function answer({ method, argument }: Request): Promise<unknown> {
  if (method === "name") return `Node ${process.version} with Dawn (webgpu ${packageVersion("webgpu")})`;
  if (method === "adapter") return heedGpuBench.adapter();
  return heedGpuBench.measure(argument as Parameters<GpuRealm["measure"]>[0]);
}

process.on("message", (request: Request) => {
  answer(request).then(
    (value) => process.send?.({ value }),
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
