/** `machine-threads.ts` in a page. */
import type { Task } from "../task.ts";

/** Starts a thread that runs a ceiling; the result runs it once. */
export function startThread(task: Task): () => Promise<void> {
  const worker = new Worker("/machine-thread.browser.js", { type: "module" });
  worker.postMessage(task);
  return () =>
    new Promise((resolve, reject) => {
      worker.onmessage = () => resolve();
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage("run");
    });
}
