/** Further threads of `machine.ts`, on Node. */
import { Worker } from "node:worker_threads";
import type { Task } from "../task.ts";

/** Starts a thread that runs a ceiling; the result runs it once. */
export function startThread(task: Task): () => Promise<void> {
  const worker = new Worker(new URL("./machine-thread.ts", import.meta.url), { workerData: task });
  worker.unref();
  return () =>
    new Promise((resolve, reject) => {
      worker.once("message", () => resolve());
      worker.once("error", reject);
      worker.postMessage("run");
    });
}
