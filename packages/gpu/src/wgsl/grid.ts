import type { Launcher } from "../launch.ts";

/** Threads of a workgroup of kernels that compute one element, or four, per thread. */
const workgroup = 64;

/** Statements that begin a kernel with one thread for each of `p.length` elements: `i` is the element. */
export const perElement = `@compute @workgroup_size(${workgroup}, 1, 1)
fn main(@builtin(global_invocation_id) id : vec3u) {
let i = id.y * p.across + id.x;
if (id.x >= p.across || i >= p.length) { return; }`;

/** Workgroups for `length` threads, folded where one row of them is longer than the device allows; `across` threads a row. */
export function gridOf(
  launcher: Launcher,
  length: number,
): { readonly across: number; readonly workgroups: readonly [number, number, number] } {
  const groups = Math.ceil(length / workgroup);
  const rows = Math.max(1, Math.ceil(groups / launcher.wgsl!.workgroupsPerDimension));
  const columns = Math.ceil(groups / rows);
  return { across: columns * workgroup, workgroups: [columns, rows, 1] };
}

/** Numbers of a uniform, as they lie in memory: whole ones, then floats. */
export function uniform(whole: readonly number[], floats: readonly number[] = []): Uint32Array {
  const words = new Uint32Array(whole.length + floats.length);
  words.set(whole);
  new Float32Array(words.buffer).set(floats, whole.length);
  return words;
}
