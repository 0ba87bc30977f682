import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

/** Debian's package `chromium`, or the browser that CHROMIUM names. */
const executable = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Why there is no browser; undefined if there is one. */
export function missingBrowser(): string | undefined {
  return existsSync(executable)
    ? undefined
    : `${executable} does not exist. Install Debian's package chromium or set CHROMIUM`;
}

/** Whether everything has to run: then a missing browser is a failure, as a skip would hide that nothing was tested. */
export const mustRun = Boolean(process.env.HEED_CI ?? process.env.CI);

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

/** Advice of drivers about speed, which comes or not as the machine is busy. */
const driverAdvice = /GL Driver Message \(OpenGL, Performance/;

/** What a page prints and what errors it does not catch, as they come. */
export function collectMessages(page: Page): readonly string[] {
  const messages: string[] = [];
  page.on("console", (message) => {
    if (!driverAdvice.test(message.text())) messages.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => messages.push(`error: ${error.message}`));
  return messages;
}
