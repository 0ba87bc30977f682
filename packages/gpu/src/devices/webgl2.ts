import { deviceLost } from "../errors.ts";
import { commonSettings, type GpuInstance, type GpuJs, type GpuKernel, type GpuTexture } from "../gpu-js.ts";
import type { Program } from "../program.ts";
import type { Device } from "./device.ts";

const uploadSource = "function (a) { return a[this.thread.x]; }";

/** WebGL2: tensors are float textures, kernels are fragment shaders; no kernel is ever destroyed (gpu.js breaks others). */
export function webgl2Device(gpu: GpuInstance): Device {
  const kernels = new Map<string, GpuKernel>();
  const kernelOf = (key: string, source: string, argumentTypes: readonly string[]): GpuKernel => {
    let kernel = kernels.get(key);
    if (!kernel) {
      kernel = gpu.createKernel(source, { ...commonSettings, argumentTypes, pipeline: true, immutable: true });
      kernels.set(key, kernel);
    }
    return kernel;
  };
  const typesOf = ({ arrays, numbers, fours }: Program): string[] => [
    ...Array.from({ length: arrays }, (_, i) => (fours === "read" && i === 0 ? "ArrayTexture(4)" : "ArrayTexture(1)")),
    ...new Array<string>(numbers).fill("Float"),
  ];
  const readSync = (data: unknown, length: number): Float32Array => {
    const texture = data as GpuTexture;
    const values = texture.toArray();
    if (texture.context.isContextLost()) throw deviceLost("webgl2", "the browser took the context away");
    return values.length === length ? values : values.slice(0, length);
  };
  return {
    name: "webgl2",
    details: { kernels: "gpu.js WebGL2: fragment shaders on float textures" },
    maxLength: 2 ** 24,
    upload: (values) => kernelOf("upload", uploadSource, ["Array"]).setOutput([values.length])(values),
    run: (program, length, inputs, numbers) =>
      kernelOf(program.key, program.source, typesOf(program)).setOutput([length])(...inputs, ...numbers),
    read: async (data, length) => readSync(data, length),
    readSync,
    release: (data) => (data as GpuTexture).delete(),
  };
}

/** The device, or why there is none. */
export function openWebgl2({ GPU }: GpuJs): Device | string {
  if (!GPU.isWebGL2Supported) return "no WebGL2 context that renders to float textures";
  const device = webgl2Device(new GPU({ mode: "webgl2" }));
  const probe = device.upload(new Float32Array([1.5, -2]));
  const values = device.readSync!(probe, 2);
  device.release(probe);
  return values[0] === 1.5 && values[1] === -2 ? device : `WebGL2 returned ${values.join(", ")} for 1.5, -2`;
}
