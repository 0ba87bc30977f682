import type { JsonObject } from "@heed/checkpoints";
import type { Output, Streams } from "../output.ts";

/** What a recipe gets. */
export interface Kitchen {
  /** The text of a file of the data folder, unpacked if its name ends with .gz. */
  readonly read: (path: string) => Promise<string>;
  /** a run of seconds: a small part of the data, small models, few updates */
  readonly smoke: boolean;
  readonly seed: number;
  /** absolute path of the folder to write to */
  readonly out: string;
  /** go on where an earlier run stopped */
  readonly resume: boolean;
  readonly output: Output;
  readonly streams: Streams;
  /** aborted when the user wants to stop */
  readonly signal: AbortSignal;
}

/** A known task with settings that are known to work: from files of data to a measured result. */
export interface Recipe {
  /** what it does, for `--help` */
  readonly summary: string;
  /** files of the data folder that it reads */
  readonly files: readonly string[];
  /** Trains, measures and saves; what it returns is printed and written to result.json. */
  run(kitchen: Kitchen): Promise<JsonObject>;
}

/** Thrown where the user stopped a recipe: what is done is saved. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";

  constructor(phase: string, step: number, steps: number) {
    super(`stopped and saved at step ${step} of ${steps} of ${phase}`);
  }
}
