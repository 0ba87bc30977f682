/** A further thread of `machine.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { ceilingJob } from "../ceilings.ts";
import type { Task } from "../task.ts";

const { run } = ceilingJob(workerData as Task);
parentPort?.on("message", () => {
  run();
  parentPort?.postMessage("done");
});
