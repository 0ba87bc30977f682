/** The machine's own ceilings: one hand-made WebAssembly module, run by as many threads as asked. */
import { ceilingJob } from "../ceilings.ts";
import type { Job, Task } from "../task.ts";
import { startThread } from "./machine-threads.ts";

/** Opens a ceiling; every thread has its own buffers, and a run is over when the last one is. */
export async function open(task: Task, threads: number): Promise<Job> {
  const own = ceilingJob(task);
  const others = Array.from({ length: threads - 1 }, () => startThread(task));
  return {
    about: { "fused multiply-add": own.relaxed ? "relaxed SIMD" : "none", threads: String(threads) },
    run: async () => {
      const rest = others.map((turn) => turn());
      own.run();
      await Promise.all(rest);
    },
    witness: async () => [],
  };
}
