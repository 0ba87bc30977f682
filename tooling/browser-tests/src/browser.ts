import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium } from "playwright-core";
import type { PageReport } from "./page.ts";

/** Debian's package `chromium`, or the browser that CHROMIUM names. */
const executable = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Why there is no browser; undefined if there is one. */
export function missingBrowser(): string | undefined {
  return existsSync(executable)
    ? undefined
    : `${executable} does not exist. Install Debian's package chromium or set CHROMIUM`;
}

export type BrowserMode = "webgpu" | "webgl2";

/** What a machine without a GPU needs for software adapters. */
const flags: Readonly<Record<BrowserMode, readonly string[]>> = {
  webgpu: ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
  webgl2: ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
};

/** Scripts of this server only, WebAssembly allowed, no text to code at run time. */
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

/** The page's script: sources bundled and minified, as users' bundlers do. */
async function bundle(): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL("page.ts", import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["@heed/source"],
    logLevel: "error",
  });
  return result.outputFiles[0]!.text;
}

/** Serves the page and its script; `onReport` gets what the page posts. */
function serve(script: string, onReport: (text: string) => void): Promise<Server> {
  const server = createServer((request, response) => {
    response.setHeader("content-security-policy", policy);
    if (request.method === "POST") {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        response.end();
        onReport(Buffer.concat(chunks).toString());
      });
      return;
    }
    const isScript = request.url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

/** What one page found, and what it and its browser complained about. */
export interface BrowserReport extends PageReport {
  readonly messages: readonly string[];
}

/** Opens the page in a browser of its own, waits for its report and closes everything. */
export async function reportFrom(mode: BrowserMode): Promise<BrowserReport> {
  const { promise, resolve } = promised<string>();
  const server = await serve(await bundle(), resolve);
  let browser: Browser | undefined;
  try {
    browser = await chromium.launch({
      executablePath: executable,
      headless: true,
      args: ["--no-sandbox", ...flags[mode]],
    });
    const page = await browser.newPage();
    const messages: string[] = [];
    page.on("console", (message) => messages.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => messages.push(`error: ${error.message}`));
    page.on("crash", () => resolve(JSON.stringify({ error: "the page crashed" })));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    await page.goto(`http://127.0.0.1:${port}/?mode=${mode}`, { waitUntil: "commit" });
    const answer = JSON.parse(await promise) as PageReport & { readonly error?: string };
    if (answer.error !== undefined) throw new Error(`${mode} page: ${answer.error}\n${messages.join("\n")}`);
    return { ...answer, messages };
  } finally {
    await browser?.close();
    server.closeAllConnections();
    server.close();
  }
}

function promised<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
