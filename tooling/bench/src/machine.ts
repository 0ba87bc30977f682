/** Says what machine the figures are of, and how busy others keep it. */
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";

/** A line for the head of the report. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly node: string;
  /** Processes that wanted a core in the last minute, as the system counts them, before the benchmark added its own. */
  readonly load: number;
}

/** Reads the machine. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}
