import { commonSettings, type GpuJs, type GpuKernel } from "../gpu-js.ts";
import type { Program } from "../program.ts";
import type { Device } from "./device.ts";

/** gpu.js's own interpreter-free fallback: kernels become JavaScript by `new Function`, which a page must allow. */
export function cpuDevice({ GPU }: GpuJs): Device {
  const gpu = new GPU({ mode: "cpu" });
  const kernels = new Map<string, GpuKernel>();
  const kernelOf = ({ key, source, arrays, numbers }: Program): GpuKernel => {
    let kernel = kernels.get(key);
    if (!kernel) {
      kernel = gpu.createKernel(source, {
        ...commonSettings,
        argumentTypes: [...new Array<string>(arrays).fill("Array"), ...new Array<string>(numbers).fill("Float")],
        pipeline: false,
        immutable: false,
      });
      kernels.set(key, kernel);
    }
    return kernel;
  };
  return {
    name: "cpu",
    details: { kernels: "gpu.js cpu: JavaScript made at run time" },
    maxLength: 2 ** 24,
    upload: (values) => values.slice(),
    run: (program, length, inputs, numbers) =>
      kernelOf(program).setOutput([length])(...inputs, ...numbers) as Float32Array,
    read: async (data, length) => (data as Float32Array).slice(0, length),
    readSync: (data, length) => (data as Float32Array).slice(0, length),
    release: () => {},
  };
}
