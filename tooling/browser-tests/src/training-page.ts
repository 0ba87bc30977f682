import type { Page, Worker } from "playwright-core";
import { type Bundle, bundle, fileAt } from "./bundle.ts";
import { collectMessages, launch } from "./chromium.ts";
import { isolation, type ServedFile, serve, strictPolicy } from "./server.ts";
import type { Answer, PageSettings } from "./training-page/messages.ts";
import { type Watched, watchPage } from "./watch.ts";

const at = (name: string): URL => new URL(`training-page/${name}`, import.meta.url);

/** The files of the training page, and which sources are in its scripts. */
export async function trainingPageFiles(): Promise<Bundle> {
  // Each alone, so that the page's script shares nothing with the worker's.
  const bundles = [await bundle(at("page.ts")), await bundle(at("worker.ts"))];
  const still: readonly [string, ServedFile][] = [
    ["/", fileAt(at("index.html"), "text/html; charset=utf-8")],
    ["/style.css", fileAt(at("style.css"), "text/css")],
  ];
  return {
    files: new Map([...bundles.flatMap(({ files }) => [...files]), ...still]),
    sources: new Map(bundles.flatMap(({ sources }) => [...sources])),
  };
}

/** How the page is served and started. */
export interface OpenOptions {
  /** the text to train on */
  readonly text: string;
  /** whether the browser is told to isolate the page, so that threads may share memory; default false */
  readonly isolated?: boolean;
  /** content security policy; default: scripts of the server, workers also from memory (threads are started so) */
  readonly policy?: string;
  readonly settings: Partial<PageSettings> & { readonly backend: PageSettings["backend"] };
}

/** The policy that the README asks for: threads are workers made from text. */
export const threadsPolicy = `${strictPolicy}; worker-src 'self' blob:`;

/** The page in a browser of its own. */
export interface OpenPage {
  readonly page: Page;
  /** the worker that trains, before it was asked to */
  readonly worker: Worker;
  /** what the page and its browser complained about */
  readonly messages: readonly string[];
  /** what was noted so far */
  watched(): Promise<Watched>;
  /** waits for an answer of one of these types, or for the page's death; all answers so far */
  until(...types: readonly Answer["type"][]): Promise<readonly Answer[]>;
  close(): Promise<void>;
}

/** Opens the page. Nothing trains until somebody presses Start. */
export async function openTrainingPage({ text, isolated = false, policy, settings }: OpenOptions): Promise<OpenPage> {
  const { files } = await trainingPageFiles();
  const server = await serve({
    files: new Map([...files, ["/text.txt", { type: "text/plain; charset=utf-8", body: text }]]),
    headers: { "content-security-policy": policy ?? threadsPolicy, ...(isolated && isolation) },
  });
  const browser = await launch(settings.backend === "wasm" ? "none" : settings.backend);
  const close = async (): Promise<void> => {
    await browser.close();
    server.close();
  };
  try {
    const page = await browser.newPage();
    const messages = collectMessages(page);
    await page.addInitScript(watchPage);
    const worker = page.waitForEvent("worker");
    const query = new URLSearchParams(Object.entries(settings).map(([key, value]) => [key, String(value)]));
    await page.goto(`${server.address}/?${query}`);
    const watched = (): Promise<Watched> =>
      page.evaluate(() => (globalThis as unknown as { readonly watched: Watched }).watched);
    return {
      page,
      worker: await worker,
      messages,
      watched,
      async until(...types) {
        await page.waitForFunction(
          (wanted) =>
            (globalThis as unknown as { readonly watched: Watched }).watched.answers.some(({ type }) =>
              wanted.includes(type),
            ),
          [...types, "failed"],
          { timeout: 240_000 },
        );
        return (await watched()).answers;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
