/** Inputs of the tasks, the same on every side. */
import { roughNormal, uniformSource } from "../gpt.ts";
import type { GpuAttentionTask } from "./task.ts";

/** Two [n, n] matrices. */
export function squareMatrices(n: number): { a: Float32Array<ArrayBuffer>; b: Float32Array<ArrayBuffer> } {
  const uniform = uniformSource(3);
  return { a: roughNormal(n * n, 1, uniform), b: roughNormal(n * n, 1, uniform) };
}

/** Queries, keys and values [B, H, T, D]. */
export function attentionInputs({ B, H, T, D }: GpuAttentionTask): readonly Float32Array<ArrayBuffer>[] {
  const uniform = uniformSource(4);
  return [0, 1, 2].map(() => roughNormal(B * H * T * D, 1, uniform));
}

/** Values to double. */
export function elementwiseInput(elements: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: elements }, (_, i) => i % 1000);
}

/** Sixteen places, spread over `length` of them. */
export function sampledPlaces(length: number): number[] {
  return Array.from({ length: 16 }, (_, i) => Math.floor((i * (length - 1)) / 15));
}

/** Sixteen of the values, spread over them. */
export function sampled(values: ArrayLike<number>): number[] {
  return sampledPlaces(values.length).map((place) => values[place] as number);
}
