import type { Browser } from "playwright-core";
import { bundle } from "./bundle.ts";
import { type BrowserMode, collectMessages, launch } from "./chromium.ts";
import type { PageReport } from "./page.ts";
import { serve, strictPolicy } from "./server.ts";

/** What one page found, and what it and its browser complained about. */
export interface BrowserReport extends PageReport {
  readonly messages: readonly string[];
  /** name and version of the browser */
  readonly browser: string;
}

/** Opens the page in a browser of its own, waits for its report and closes everything. */
export async function reportFrom(mode: BrowserMode): Promise<BrowserReport> {
  const { promise, resolve } = promised<string>();
  const { files } = await bundle(new URL("page.ts", import.meta.url));
  const page = { type: "text/html", body: '<!doctype html><script type="module" src="/page.js"></script>' };
  const server = await serve({
    files: new Map([...files, ["/", page]]),
    headers: { "content-security-policy": strictPolicy },
    onPost: resolve,
  });
  let browser: Browser | undefined;
  try {
    browser = await launch(mode);
    const page = await browser.newPage();
    const messages = collectMessages(page);
    page.on("crash", () => resolve(JSON.stringify({ error: "the page crashed" })));
    await page.goto(`${server.address}/?mode=${mode}`, { waitUntil: "commit" });
    const answer = JSON.parse(await promise) as PageReport & { readonly error?: string };
    if (answer.error !== undefined) throw new Error(`${mode} page: ${answer.error}\n${messages.join("\n")}`);
    return { ...answer, messages, browser: `Chromium ${browser.version()}` };
  } finally {
    await browser?.close();
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
