/** Entry of the page that holds the sides, each in a worker of its own. */
import type { Reply, Request } from "../task.ts";

/** What the parent may call. */
export interface SidesPage {
  /** Sends a request to a side; `open` starts its worker. */
  ask(label: string, request: Request): Promise<Reply>;
  close(label: string): void;
  /** Whether the page may share memory between threads. */
  readonly isolated: boolean;
}

const workers = new Map<string, Worker>();

function ask(label: string, request: Request): Promise<Reply> {
  if (request.type === "open") workers.set(label, new Worker("/worker.js", { type: "module", name: label }));
  const worker = workers.get(label);
  if (worker === undefined) throw new RangeError(`ask: label is not an open side, got "${label}". Send open first.`);
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<Reply>) => resolve(data);
    worker.onerror = ({ message }) => resolve({ type: "failed", message });
    worker.postMessage(request);
  });
}

function close(label: string): void {
  workers.get(label)?.terminate();
  workers.delete(label);
}

const page: SidesPage = { ask, close, isolated: globalThis.crossOriginIsolated };
Object.assign(globalThis, { heedBench: page });
