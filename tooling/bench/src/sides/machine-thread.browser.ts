/** A further thread of `machine.ts` in a page: the first message is its task, every other one runs it. */
import { ceilingJob } from "../ceilings.ts";
import type { Task } from "../task.ts";

let job: ReturnType<typeof ceilingJob> | undefined;

globalThis.onmessage = ({ data }: MessageEvent<Task | "run">) => {
  if (data !== "run") {
    job = ceilingJob(data);
    return;
  }
  job?.run();
  globalThis.postMessage("done");
};
