import type { GpuJs } from "../../gpu-js.ts";
import type { Program } from "../../program.ts";
import { computeStage, type GpuDevice, type GpuPipeline } from "../../web-gpu.ts";
import { type Translated, translate } from "./translate.ts";

/** A compiled kernel and the layout of its buffers. */
export interface Compiled {
  readonly pipeline: GpuPipeline;
  readonly layout: unknown;
}

/** What is compiled: WGSL with one uniform, then read-only buffers, then buffers that are written. */
export interface Source {
  readonly key: string;
  readonly code: string;
  readonly inputs: number;
  readonly outputs: number;
}

/** Translates and compiles each kernel once. */
export class Pipelines {
  private readonly device: GpuDevice;
  private readonly library: GpuJs;
  private readonly compiled = new Map<string, Compiled>();
  private readonly translated = new Map<string, Translated>();

  constructor(device: GpuDevice, library: GpuJs) {
    this.device = device;
    this.library = library;
  }

  translate(program: Program): Translated {
    let found = this.translated.get(program.key);
    if (!found) {
      found = translate(this.library, program, this.device.limits.maxComputeWorkgroupsPerDimension);
      this.translated.set(program.key, found);
    }
    return found;
  }

  compile({ key, code, inputs, outputs }: Source): Compiled {
    let found = this.compiled.get(key);
    if (!found) {
      const storage = (type: string) => ({ visibility: computeStage, buffer: { type } });
      const entries = [
        { visibility: computeStage, buffer: { type: "uniform", hasDynamicOffset: true } },
        ...Array.from({ length: inputs }, () => storage("read-only-storage")),
        ...Array.from({ length: outputs }, () => storage("storage")),
      ].map((entry, binding) => ({ binding, ...entry }));
      const layout = this.device.createBindGroupLayout({ entries });
      const pipeline = this.device.createComputePipeline({
        layout: this.device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module: this.device.createShaderModule({ code }), entryPoint: "main" },
      });
      found = { pipeline, layout };
      this.compiled.set(key, found);
    }
    return found;
  }
}
