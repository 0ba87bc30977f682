/** What a side is asked to do on the GPU. Everything here runs in one realm: a page, or Node over Dawn. */
import type { GptShape } from "../gpt.ts";

/** Who does the work: this repository, a peer, gpu.js's own two ways to write a product, or kernels that only measure the adapter. */
export type GpuLibrary = "heed" | "jax" | "tfjs" | "gpu.js" | "gpu.js x4" | "adapter";

/** C [n, n] = A [n, n] B [n, n], float32. */
export interface GpuMatmulTask {
  readonly kind: "matmul";
  readonly n: number;
}

/** Causal attention of q, k, v [B, H, T, D]; with `gradient` also the gradients of all three. */
export interface GpuAttentionTask {
  readonly kind: "attention";
  readonly B: number;
  readonly H: number;
  readonly T: number;
  readonly D: number;
  readonly gradient: boolean;
}

/** y = 2 x over `elements` float32 values. */
export interface GpuElementwiseTask {
  readonly kind: "elementwise";
  readonly elements: number;
}

/** A chain of `operations` additions to a tensor of four elements: what an operation costs before it computes anything. */
export interface GpuDispatchTask {
  readonly kind: "dispatch";
  readonly operations: number;
}

/** One training step: forward, backward, AdamW, and the loss read back. */
export interface GpuStepTask {
  readonly kind: "step";
  readonly shape: GptShape;
  readonly batch: number;
  /** Losses of first steps that the sides compare. */
  readonly losses: number;
}

/** `tokens` greedy steps of one token each after a prompt, with cached keys and values. */
export interface GpuDecodeTask {
  readonly kind: "decode";
  readonly shape: GptShape;
  readonly prompt: number;
  readonly tokens: number;
}

/** What the adapter can do at most: bytes copied by a kernel, or multiply-adds in registers. */
export interface GpuCeilingTask {
  readonly kind: "copy" | "multiply-add";
}

/** Any task. */
export type GpuTask =
  | GpuMatmulTask
  | GpuAttentionTask
  | GpuElementwiseTask
  | GpuDispatchTask
  | GpuStepTask
  | GpuDecodeTask
  | GpuCeilingTask;

/** A task opened on one side; only `run` is timed. */
export interface GpuJob {
  /** Versions and settings that the report prints. */
  readonly about: Readonly<Record<string, string>>;
  /** Sets up one run; not timed. */
  prepare?(): Promise<void>;
  /** Does the task `repeat` times and waits until the adapter has finished all of it. */
  run(repeat: number): Promise<void>;
  /** Numbers that must agree between sides. */
  witness(): Promise<readonly number[]>;
  close(): void;
}

/** What every file in `sides/` exports: opens a task, or undefined if the library does not do this kind. */
export type OpenGpuJob = (task: GpuTask) => Promise<GpuJob | undefined>;

/** Floating-point operations of one run, products and sums; undefined where counting them says nothing. */
export function attentionFlops({ B, H, T, D, gradient }: GpuAttentionTask): number {
  // Two products of T x T x D forward; backward computes the scores again and has four more.
  return B * H * T * T * D * 2 * (gradient ? 7 : 2);
}
