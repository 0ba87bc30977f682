// Dresses Node up as the main thread of a page (argument: "isolated" or "plain"), computes, prints what was used.
import { Worker as NodeWorker } from "node:worker_threads";
import { kernel, makeBackend, numbers, operand, sameBits, valuesOf } from "../harness.ts";

const isolated = process.argv[2] === "isolated";
const { exit, stdout, versions } = process;
const blobs: string[] = [];
const workers: NodeWorker[] = [];

/** What a worker of a page finds: no `process`, a `self` that gets messages. */
const prelude = `
const { parentPort } = process.getBuiltinModule("node:worker_threads");
globalThis.self = globalThis;
parentPort.once("message", (data) => self.onmessage({ data }));
delete globalThis.process;
`;

class PageWorker {
  onerror: unknown = null;
  private readonly worker: NodeWorker;
  constructor(url: string, options: { type: string }) {
    if (options.type !== "module") throw new TypeError("expected a module worker");
    this.worker = new NodeWorker(prelude + blobs[Number(url)], { eval: true });
    workers.push(this.worker);
  }
  postMessage(message: unknown): void {
    this.worker.postMessage(message);
  }
  terminate(): void {
    void this.worker.terminate();
  }
}

Object.assign(globalThis, {
  Worker: PageWorker,
  Blob: class {
    constructor(parts: string[]) {
      blobs.push(parts.join(""));
    }
  },
  crossOriginIsolated: isolated,
});
URL.createObjectURL = () => String(blobs.length - 1);
URL.revokeObjectURL = () => {};
Atomics.wait = () => {
  throw new TypeError("Atomics.wait cannot be called in this context");
};
Object.defineProperty(globalThis, "navigator", { value: { hardwareConcurrency: 3 }, configurable: true });
Object.defineProperty(globalThis, "process", { value: undefined, configurable: true, writable: true });

const backend = makeBackend();
const x = operand(backend, [200, 200], numbers(1, 40_000));
const y = operand(backend, [200, 200]);
const work = (): Float32Array => {
  kernel(backend, "matmul")([x, x], [y], {});
  return valuesOf(backend, y);
};
const first = work();
let same = true;
for (let waited = 0; isolated && backend.runtime.pool?.ready !== 2 && waited < 10_000; waited += 5) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
for (let i = 0; i < 50; i++) same &&= sameBits(work(), first);
const { threads, details } = backend.capabilities();
stdout.write(
  JSON.stringify({
    threads,
    why: details["threads"],
    ready: backend.runtime.pool?.ready ?? 0,
    same,
    node: versions.node,
  }),
  () => exit(0),
);
