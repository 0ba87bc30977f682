/** Browser-style workers on Node, which jax-js needs before it uses a second thread: made from a blob's address, messages both ways. */
import { Worker as NodeWorker } from "node:worker_threads";

const sources = new Map<string, string>();

/** A blob that remembers its text, because workers start synchronously and blobs are read asynchronously. */
class TextBlob extends Blob {
  readonly content: string;

  constructor(parts: readonly string[], options?: { type?: string }) {
    super([...parts], options);
    this.content = parts.join("");
  }
}

function sourceOf(url: string | URL): string {
  const source = sources.get(String(url));
  if (source === undefined)
    throw new RangeError(
      `sourceOf: url is not a blob made here, expected an object URL, got "${url}". Install the workers first.`,
    );
  return source;
}

function rememberBlobs(): void {
  const createObjectURL = URL.createObjectURL.bind(URL);
  const remember = (blob: Blob): string => {
    const url = createObjectURL(blob);
    if (blob instanceof TextBlob) sources.set(url, blob.content);
    return url;
  };
  Object.assign(URL, { createObjectURL: remember });
  Object.assign(globalThis, { Blob: TextBlob });
}

/** Gives a worker's source the names that browsers give it. */
const BROWSER_NAMES = `
const { parentPort } = require("node:worker_threads");
globalThis.self = globalThis;
globalThis.postMessage = (message) => parentPort.postMessage(message);
parentPort.on("message", (data) => globalThis.onmessage?.({ data }));
`;

class BrowserWorker {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  private readonly worker: NodeWorker;

  constructor(url: string | URL) {
    this.worker = new NodeWorker(BROWSER_NAMES + sourceOf(url), { eval: true });
    this.worker.on("message", (data) => this.onmessage?.({ data }));
    this.worker.on("error", (error: Error) => this.onerror?.({ message: error.message }));
  }

  postMessage(message: unknown): void {
    this.worker.postMessage(message);
  }

  terminate(): void {
    void this.worker.terminate();
  }
}

/** jax-js starts a pool when there is a global `Worker`; the pool's size is `navigator.hardwareConcurrency`. */
export function installBrowserWorkers(threads: number): void {
  if (threads === 1) return;
  rememberBlobs();
  Object.defineProperty(globalThis.navigator, "hardwareConcurrency", { value: threads });
  Object.assign(globalThis, { Worker: BrowserWorker });
}
