/** What a side is asked to do, and how parent and child talk about it. */
import type { GptShape } from "./gpt.ts";

/** Who does the work: this repository, this repository with 256-bit vectors, a peer, or the machine's own ceilings. */
export type Library = "heed" | "heed-wide" | "jax" | "tfjs" | "tfjs-tuned" | "ort" | "machine";

/** One float32 product, C [m, n] = A [m, k] times B [k, n]; a transposed operand is stored the other way round. */
export interface MatmulTask {
  readonly kind: "matmul";
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** One training step: forward, backward, AdamW, and the loss read back. */
export interface StepTask {
  readonly kind: "step";
  readonly shape: GptShape;
  readonly batch: number;
}

/** One pass over a prompt of `prompt` tokens that fills the cache and returns the last position's logits. */
export interface PrefillTask {
  readonly kind: "prefill";
  readonly shape: GptShape;
  readonly prompt: number;
}

/** `tokens` greedy steps of one token each, from a cache that holds `prompt` tokens. */
export interface DecodeTask {
  readonly kind: "decode";
  readonly shape: GptShape;
  readonly prompt: number;
  readonly tokens: number;
}

/** A ceiling of the machine: multiply-adds in registers, or bytes read or copied (of a buffer far larger than the caches). */
export interface CeilingTask {
  readonly kind: "multiply-add" | "read" | "copy";
}

/** Any task. */
export type Task = MatmulTask | StepTask | PrefillTask | DecodeTask | CeilingTask;

/** A task opened in a child process: `run` is timed, the rest is not. */
export interface Job {
  /** Versions and settings that the report prints. */
  readonly about: Readonly<Record<string, string>>;
  /** Sets up one run; not timed. */
  prepare?(): Promise<void>;
  /** Does the task once and waits for its result. */
  run(): Promise<void>;
  /** Numbers that must agree between sides: losses of the first steps, some logits, some elements of a product. */
  witness(): Promise<readonly number[]>;
}

/** What every file in `sides/` exports. */
export type OpenJob = (task: Task, threads: number) => Promise<Job>;

/** Parent to child. */
export type Request =
  | { readonly type: "open"; readonly library: Library; readonly task: Task; readonly threads: number }
  | { readonly type: "run"; readonly iterations: number }
  | { readonly type: "witness" };

/** Child to parent. */
export type Reply =
  | { readonly type: "opened"; readonly about: Readonly<Record<string, string>> }
  | {
      readonly type: "ran";
      readonly milliseconds: readonly number[];
      /** CPU time of each run, all threads together. A page cannot know it, nor the rest: not a number there. */
      readonly cpuOfRuns: readonly number[];
      readonly idleShare: number;
      /** CPU time of all threads since the turn began. */
      readonly cpuMilliseconds: number;
      readonly peakMegabytes: number;
    }
  | { readonly type: "witnessed"; readonly values: readonly number[] }
  | { readonly type: "failed"; readonly message: string };

/** Weights, batch and prompt come from these seeds on every side. */
export const WEIGHT_SEED = 1;
export const BATCH_SEED = 2;

/** Floating-point operations of one run of a task; undefined where counting them says nothing. */
export function matmulFlops({ m, k, n }: MatmulTask): number {
  return 2 * m * k * n;
}

/** Throws the one error for a task that a library does not offer. */
export function unsupported(library: Library, task: Task): never {
  throw new RangeError(
    `openJob: task is not offered by ${library}, expected one of its kinds, got "${task.kind}". Leave this peer out with --peers.`,
  );
}
