/** A headless Chromium with one page, served from this machine, isolated so that its threads may share memory. */
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { extname } from "node:path";
import { chromium, type Page } from "playwright-core";
import type { BundledFile } from "./bundle.ts";

const executable = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** What a page is made of. */
export interface PageOptions {
  readonly files: readonly BundledFile[];
  /** Name of the script that the page runs. */
  readonly script: string;
  /** Folders served as they are, by the first part of the address: `{ tfjs: "/path" }`. */
  readonly folders?: Readonly<Record<string, string>>;
  /** Flags of the browser. */
  readonly flags: readonly string[];
}

/** A page that has run its script. */
export interface OpenPage {
  readonly page: Page;
  readonly browser: string;
  close(): Promise<void>;
}

function serve({ files, script, folders = {} }: PageOptions): Promise<Server> {
  const bundled = new Map(files.map(({ name, bytes }) => [`/${name}`, bytes]));
  const html = Buffer.from(`<!doctype html><title>bench</title><script type="module" src="/${script}"></script>`);
  const find = (path: string): Uint8Array | undefined => {
    if (path === "/") return html;
    if (path === "/favicon.ico") return new Uint8Array();
    const [, folder = "", name = ""] = path.split("/");
    const onDisk = folders[folder] && `${folders[folder]}/${name}`;
    return bundled.get(path) ?? (onDisk && existsSync(onDisk) ? readFileSync(onDisk) : undefined);
  };
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://127.0.0.1").pathname;
    const body = find(path);
    response.writeHead(body ? 200 : 404, {
      "content-type": path === "/" ? "text/html" : (types[extname(path)] ?? "application/octet-stream"),
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    response.end(body);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

/** Opens the page and waits until its script has run. Errors of the page go to standard error. */
export async function openPage(options: PageOptions): Promise<OpenPage> {
  if (!existsSync(executable))
    throw new RangeError(
      `openPage: the browser is missing, expected Chromium, got nothing at ${executable}. Install Debian's package chromium or set CHROMIUM.`,
    );
  const server = await serve(options);
  const browser = await chromium.launch({
    executablePath: executable,
    headless: true,
    args: ["--no-sandbox", ...options.flags],
  });
  const page = await browser.newPage();
  page.on("pageerror", (error) => process.stderr.write(`page: ${error.message}\n`));
  page.on("console", (message) => {
    if (message.type() === "error") process.stderr.write(`page: ${message.text().slice(0, 300)}\n`);
  });
  const address = server.address();
  await page.goto(`http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}/`);
  return {
    page,
    browser: `Chromium ${browser.version()}`,
    close: async () => {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}
