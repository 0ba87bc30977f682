/** Entry of a side's process: opens one job and runs it when told to. Between requests it does nothing. */
import { openLibrary } from "./libraries.ts";
import type { Job, Reply, Request } from "./task.ts";

/** CPU time of all threads of this process, and the clock, both in milliseconds. */
function clocks(): { cpu: number; wall: number } {
  const { user, system } = process.cpuUsage();
  return { cpu: (user + system) / 1000, wall: performance.now() };
}

let job: Job | undefined;
let rested = clocks();

function opened(): Job {
  if (job === undefined) throw new Error("child: no job is open, expected open before run, got run first. Send open.");
  return job;
}

async function answer(request: Request): Promise<Reply> {
  if (request.type === "open") {
    job = await (await openLibrary(request.library))(request.task, request.threads);
    return { type: "opened", about: job.about };
  }
  if (request.type === "witness") return { type: "witnessed", values: await opened().witness() };
  const before = clocks();
  const idleShare = (before.cpu - rested.cpu) / Math.max(before.wall - rested.wall, 1);
  const milliseconds: number[] = [];
  const cpuOfRuns: number[] = [];
  for (let i = 0; i < request.iterations; i++) {
    await opened().prepare?.();
    const start = clocks();
    await opened().run();
    const end = clocks();
    milliseconds.push(end.wall - start.wall);
    cpuOfRuns.push(end.cpu - start.cpu);
  }
  // What this process burns in the moment after its work (pools that spin before they sleep) is not counted as idle.
  await new Promise((resolve) => setTimeout(resolve, 20));
  rested = clocks();
  const cpuMilliseconds = rested.cpu - before.cpu;
  return {
    type: "ran",
    milliseconds,
    cpuOfRuns,
    idleShare,
    cpuMilliseconds,
    peakMegabytes: process.resourceUsage().maxRSS / 1024,
  };
}

process.on("message", (request: Request) => {
  answer(request)
    .catch(
      (error: unknown): Reply => ({
        type: "failed",
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
    )
    .then((reply) => process.send?.(reply));
});
process.on("disconnect", () => process.exit(0));
