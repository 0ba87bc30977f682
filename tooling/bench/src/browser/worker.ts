/** Entry of a side's worker in a page, which is what `child.ts` is on Node: opens one job and runs it when told to. */
import { openLibrary } from "../libraries.ts";
import type { Job, Reply, Request } from "../task.ts";

let job: Job | undefined;

async function answer(request: Request): Promise<Reply> {
  if (request.type === "open") {
    job = await (await openLibrary(request.library))(request.task, request.threads);
    return { type: "opened", about: job.about };
  }
  if (job === undefined) throw new Error("worker: no job is open, expected open before run, got run first. Send open.");
  if (request.type === "witness") return { type: "witnessed", values: await job.witness() };
  const milliseconds: number[] = [];
  for (let i = 0; i < request.iterations; i++) {
    await job.prepare?.();
    const start = performance.now();
    await job.run();
    milliseconds.push(performance.now() - start);
  }
  const unknown = Number.NaN;
  return {
    type: "ran",
    milliseconds,
    cpuOfRuns: milliseconds.map(() => unknown),
    idleShare: unknown,
    cpuMilliseconds: unknown,
    peakMegabytes: unknown,
  };
}

globalThis.onmessage = ({ data }: MessageEvent<Request>) => {
  answer(data)
    .catch(
      (error: unknown): Reply => ({
        type: "failed",
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
    )
    .then((reply) => globalThis.postMessage(reply));
};
