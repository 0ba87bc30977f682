/** The machine's own ceilings: one hand-made WebAssembly module, run by as many threads as asked. */
import { Worker } from "node:worker_threads";
import { ceilingJob } from "../ceilings.ts";
import type { Job, Task } from "../task.ts";

/** Opens a ceiling; every thread has its own buffers, and a run is over when the last one is. */
export async function open(task: Task, threads: number): Promise<Job> {
  const own = ceilingJob(task);
  const others = Array.from(
    { length: threads - 1 },
    () => new Worker(new URL("./machine-thread.ts", import.meta.url), { workerData: task }),
  );
  for (const worker of others) worker.unref();
  const turn = (worker: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      worker.once("message", () => resolve());
      worker.once("error", reject);
      worker.postMessage("run");
    });
  return {
    about: { "fused multiply-add": own.relaxed ? "relaxed SIMD" : "none", threads: String(threads) },
    run: async () => {
      const rest = others.map(turn);
      own.run();
      await Promise.all(rest);
    },
    witness: async () => [],
  };
}
