/** Measures one case in this realm: every side opens, warms up, and then takes its turn in every round. */
import { countGpuCalls, type GpuCounts } from "./counters.ts";
import type { GpuJob, GpuLibrary, GpuTask, OpenGpuJob } from "./task.ts";

/** What to measure; plain data, because it comes from another process. */
export interface GpuCaseRequest {
  readonly task: GpuTask;
  readonly libraries: readonly GpuLibrary[];
  readonly rounds: number;
  /** After so many seconds no further round starts. */
  readonly seconds: number;
  /** A side whose first run takes more seconds has no other: its figure then includes compilation. */
  readonly limit: number;
}

/** What was measured of one side, or why nothing was. */
export interface GpuSideResult {
  readonly library: GpuLibrary;
  readonly about: Readonly<Record<string, string>>;
  /** milliseconds of one run, by round */
  readonly milliseconds: readonly number[];
  /** of the first run, which compiles */
  readonly firstMilliseconds: number;
  /** of one run */
  readonly counts: GpuCounts;
  readonly witness: readonly number[];
  readonly problem?: string;
}

interface OpenSide {
  readonly library: GpuLibrary;
  readonly job: GpuJob;
  readonly repeat: number;
  readonly firstMilliseconds: number;
  readonly counts: GpuCounts;
  readonly milliseconds: number[];
}

/** A side whose run takes longer gets no further ones: its warm run is its only round. */
const SLOW_MILLISECONDS = 5000;

/** A turn is about this long: shorter runs are repeated, and the time is divided. */
const TURN_MILLISECONDS = 40;
const MOST_REPEATS = 50;

const openers: Readonly<Record<GpuLibrary, () => Promise<OpenGpuJob>>> = {
  heed: async () => (await import("./sides/heed.ts")).open,
  jax: async () => (await import("./sides/jax.ts")).open,
  tfjs: async () => (await import("./sides/tfjs.ts")).open,
  "gpu.js": async () => (await import("./sides/gpu-js.ts")).open,
  "gpu.js x4": async () => (await import("./sides/gpu-js.ts")).openFour,
  adapter: async () => (await import("./sides/adapter.ts")).open,
};

const counts = countGpuCalls();

async function timed(job: GpuJob, repeat: number): Promise<number> {
  await job.prepare?.();
  const start = performance.now();
  await job.run(repeat);
  return (performance.now() - start) / repeat;
}

/** Milliseconds, launches and submissions of one run. */
async function counted(job: GpuJob): Promise<[milliseconds: number, counts: GpuCounts]> {
  await job.prepare?.();
  const before = { ...counts };
  const start = performance.now();
  await job.run(1);
  const milliseconds = performance.now() - start;
  const { launches, submissions } = counts;
  return [milliseconds, { launches: launches - before.launches, submissions: submissions - before.submissions }];
}

async function openSide(library: GpuLibrary, { task, limit }: GpuCaseRequest): Promise<OpenSide> {
  const job = await (await openers[library]())(task);
  if (job === undefined)
    throw new RangeError(`openSide: task is not offered by ${library}, expected one of its kinds, got ${task.kind}.`);
  const [firstMilliseconds, firstCounts] = await counted(job);
  if (firstMilliseconds > limit * 1000)
    return { library, job, repeat: 1, firstMilliseconds, counts: firstCounts, milliseconds: [firstMilliseconds] };
  const [warm, used] = await counted(job);
  const repeat = Math.max(1, Math.min(MOST_REPEATS, Math.round(TURN_MILLISECONDS / warm)));
  // Steps and decoding read their result back in every run.
  const single = task.kind === "step" || task.kind === "decode";
  return {
    library,
    job,
    repeat: single ? 1 : repeat,
    firstMilliseconds,
    counts: used,
    milliseconds: warm > SLOW_MILLISECONDS ? [warm] : [],
  };
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 300);

const failed = (library: GpuLibrary, error: unknown): GpuSideResult => ({
  library,
  about: {},
  milliseconds: [],
  firstMilliseconds: 0,
  counts: { launches: 0, submissions: 0 },
  witness: [],
  problem: reasonOf(error),
});

async function finishSide(side: OpenSide): Promise<GpuSideResult> {
  const { library, job, milliseconds, firstMilliseconds } = side;
  try {
    const witness = await job.witness();
    return { library, about: job.about, milliseconds, firstMilliseconds, counts: side.counts, witness };
  } catch (error) {
    return failed(library, error);
  } finally {
    job.close();
  }
}

/** Measures a case; a side that fails says why and does not stop the others. */
export async function measure(request: GpuCaseRequest): Promise<GpuSideResult[]> {
  const { libraries, rounds, seconds } = request;
  const problems: GpuSideResult[] = [];
  const sides: OpenSide[] = [];
  for (const library of libraries) {
    await openSide(library, request).then(
      (side) => sides.push(side),
      (error: unknown) => problems.push(failed(library, error)),
    );
  }
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    if (round > 0 && performance.now() - start > seconds * 1000) break;
    for (let turn = 0; turn < sides.length; turn++) {
      const side = sides[(turn + round) % sides.length] as OpenSide;
      if ((side.milliseconds[0] ?? 0) <= SLOW_MILLISECONDS) side.milliseconds.push(await timed(side.job, side.repeat));
    }
  }
  const results: GpuSideResult[] = [];
  for (const side of sides) results.push(await finishSide(side));
  return libraries.flatMap((library) => [...results, ...problems].filter((side) => side.library === library));
}
