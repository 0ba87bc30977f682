import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Debian's package `chromium`, or the browser that CHROMIUM names. */
const executable = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Why there is no browser; undefined if there is one. */
export function missingBrowser(): string | undefined {
  return existsSync(executable)
    ? undefined
    : `${executable} does not exist. Install Debian's package chromium or set CHROMIUM`;
}

/** What a machine without a GPU needs for software adapters; `none`: a browser as it comes. */
const flags = {
  webgpu: ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
  webgl2: ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
  none: [],
} as const;

/** Which software adapter a browser is started with. */
export type BrowserMode = "webgpu" | "webgl2";

/** Starts a browser without a window. */
export function launch(adapter: keyof typeof flags): Promise<Browser> {
  return chromium.launch({
    executablePath: executable,
    headless: true,
    args: ["--no-sandbox", ...flags[adapter]],
  });
}
