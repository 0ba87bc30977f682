import type { GpuJs, WgslKernel } from "../../gpu-js.ts";
import { commonSettings } from "../../gpu-js.ts";
import type { Program } from "../../program.ts";

/** Threads of a workgroup of gpu.js's one-dimensional kernels. */
const workgroupSize = 64;

/** A program as WGSL, and how the numbers of a launch are laid out in its uniform. */
export interface Translated {
  readonly code: string;
  readonly uniformBytes: number;
  /** Writes a launch over `length` elements; returns the workgroups. */
  fill(
    uniform: DataView,
    launch: { readonly length: number; readonly lengths: readonly number[]; readonly numbers: readonly number[] },
  ): [number, number, number];
}

/**
 * gpu.js turns the text of a kernel into WGSL. That part of it is synchronous and knows no device; pipelines, buffers and
 * launches are ours, so that a step's kernels go into one submission.
 */
export function translate(
  { WebGPUKernel }: GpuJs,
  { source, arrays, numbers }: Program,
  maxWorkgroups: number,
): Translated {
  const argumentTypes = [...new Array<string>(arrays).fill("Array"), ...new Array<string>(numbers).fill("Float")];
  const kernel: WgslKernel = new WebGPUKernel(source, {
    ...commonSettings,
    argumentTypes,
    pipeline: true,
    immutable: true,
  });
  kernel._buildAsync = () => Promise.resolve();
  kernel.build(...argumentTypes.map((type) => (type === "Array" ? new Float32Array(1) : 0)));
  const { byteLength, arrayArgs, scalarArgs } = kernel.paramsLayout;
  return {
    code: kernel.compiledSource,
    uniformBytes: byteLength,
    fill(uniform, { length, lengths, numbers: given }) {
      const groups = workgroups(length, maxWorkgroups);
      [length, 1, 1, groups[0] * workgroupSize].forEach((value, i) => uniform.setUint32(4 * i, value, true));
      arrayArgs.forEach(({ dimsOffset }, i) =>
        [lengths[i]!, 1, 1, lengths[i]!].forEach((value, k) => uniform.setUint32(dimsOffset + 4 * k, value, true)),
      );
      scalarArgs.forEach(({ offset }, i) => uniform.setFloat32(offset, given[i]!, true));
      return groups;
    },
  };
}

/** One row of workgroups, folded where it is longer than a device allows: as gpu.js's kernels count their threads. */
function workgroups(length: number, most: number): [number, number, number] {
  const groups = Math.ceil(length / workgroupSize);
  const rows = Math.ceil(groups / most);
  return [Math.ceil(groups / rows), rows, 1];
}
