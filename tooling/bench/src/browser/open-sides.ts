/** Opens sides as workers of one page in headless Chromium. */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { type OpenSideFn, type Side, type SideSpec, sideOver } from "../side.ts";
import type { Reply, Request } from "../task.ts";
import { bundle } from "./bundle.ts";
import { openPage } from "./page.ts";
import type { SidesPage } from "./sides-page.ts";

/** A browser whose page opens sides. */
export interface BrowserSides {
  /** `Chromium 156.0`. */
  readonly browser: string;
  readonly openSide: OpenSideFn;
  close(): Promise<void>;
}

type PageGlobal = { readonly heedBench: SidesPage };

const entries = ["./sides-page.ts", "./worker.ts", "../sides/machine-thread.browser.ts"];

/** Starts the browser. */
export async function openBrowserSides(): Promise<BrowserSides> {
  const require = createRequire(import.meta.url);
  const folderOf = (name: string): string => dirname(require.resolve(name));
  const opened = await openPage({
    files: await bundle(entries.map((entry) => new URL(entry, import.meta.url))),
    script: "sides-page.js",
    folders: { tfjs: folderOf("@tensorflow/tfjs-backend-wasm"), ort: folderOf("onnxruntime-web") },
    flags: [],
  });
  const { page } = opened;
  const ask = (label: string, request: Request): Promise<Reply> =>
    page.evaluate(([to, message]) => (globalThis as unknown as PageGlobal).heedBench.ask(to, message), [
      label,
      request,
    ] as const);
  const closeSide = (label: string): Promise<void> =>
    page.evaluate((to) => (globalThis as unknown as PageGlobal).heedBench.close(to), label);
  if (!(await page.evaluate(() => (globalThis as unknown as PageGlobal).heedBench.isolated)))
    throw new Error(
      "openBrowserSides: the page is not isolated, expected shared memory for threads. See browser/page.ts",
    );
  return {
    browser: opened.browser,
    close: opened.close,
    openSide: (spec: SideSpec): Promise<Side> =>
      sideOver(
        spec,
        (request) => ask(spec.label, request),
        () => closeSide(spec.label),
      ),
  };
}
