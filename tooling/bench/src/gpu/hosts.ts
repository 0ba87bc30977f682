/** Starts the realm in which the sides live: a page of headless Chromium, or a Node process over Dawn. */
import { fork } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../browser/bundle.ts";
import { openPage } from "../browser/page.ts";
import type { GpuRealm } from "./realm.ts";

/** A realm that waits for requests. */
export interface GpuHost extends GpuRealm {
  /** `Chromium 156.0` or `Node v24.0 with Dawn (webgpu 0.6.2)`. */
  readonly name: string;
  close(): Promise<void>;
}

const entry = new URL("./realm.ts", import.meta.url);

/** Chromium's own choice of adapter first; what a machine without a GPU needs if there is none. */
const flagSets = [["--enable-unsafe-webgpu"], ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]];

type PageGlobal = { readonly heedGpuBench: GpuRealm };

/** A page in headless Chromium. */
export async function openChromium(): Promise<GpuHost> {
  const files = await bundle([entry]);
  for (const flags of flagSets) {
    const opened = await openPage({ files, script: "realm.js", flags });
    await opened.page.waitForFunction("globalThis.heedGpuBench !== undefined");
    const host: GpuHost = {
      name: opened.browser,
      adapter: () => opened.page.evaluate(() => (globalThis as unknown as PageGlobal).heedGpuBench.adapter()),
      measure: (request) =>
        opened.page.evaluate((sent) => (globalThis as unknown as PageGlobal).heedGpuBench.measure(sent), request),
      close: opened.close,
    };
    if (await host.adapter()) return host;
    await opened.close();
  }
  throw new RangeError(
    "openChromium: the browser has no WebGPU adapter, expected a GPU or SwiftShader, got none. Check the installation of chromium.",
  );
}

/** Where Debian's Chromium keeps a Vulkan loader and a driver made of software, for machines that have neither. */
const CHROMIUM_FOLDER = "/usr/lib/chromium";

function vulkanEnvironment(software: boolean): Record<string, string> {
  if (!software) return {};
  return { LD_LIBRARY_PATH: CHROMIUM_FOLDER, VK_ICD_FILENAMES: `${CHROMIUM_FOLDER}/vk_swiftshader_icd.json` };
}

async function startNode(script: string, software: boolean): Promise<GpuHost> {
  const child = fork(fileURLToPath(new URL("./node-realm.ts", import.meta.url)), [script], {
    execArgv: ["--no-warnings"],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    env: { ...process.env, ...vulkanEnvironment(software) },
  });
  const ask = <T>(method: string, argument?: unknown): Promise<T> =>
    new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`startNode: the process ended with code ${code}`));
      child.once("exit", ended);
      child.once("message", (answer: { readonly value?: T; readonly error?: string }) => {
        child.off("exit", ended);
        if (answer.error === undefined) resolve(answer.value as T);
        else reject(new Error(answer.error));
      });
      child.send({ method, argument });
    });
  return {
    name: await ask<string>("name"),
    adapter: () => ask("adapter"),
    measure: (request) => ask("measure", request),
    close: async () => void child.kill("SIGKILL"),
  };
}

/** A Node process in which `navigator.gpu` is Dawn. */
export async function openNode(): Promise<GpuHost> {
  const folder = mkdtempSync(join(tmpdir(), "heed-gpu-bench-"));
  for (const { name, bytes } of await bundle([entry])) writeFileSync(join(folder, name), bytes);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  for (const software of [false, true]) {
    const host = await startNode(join(folder, "realm.js"), software);
    const close = async (): Promise<void> => {
      await host.close();
      if (software || (await found)) rmSync(folder, { recursive: true, force: true });
    };
    const found = host.adapter();
    if (await found) return { ...host, close };
    await host.close();
  }
  rmSync(folder, { recursive: true, force: true });
  throw new RangeError(
    `openNode: Dawn has no adapter, expected a Vulkan driver or ${CHROMIUM_FOLDER}, got neither. Install Debian's package chromium.`,
  );
}
