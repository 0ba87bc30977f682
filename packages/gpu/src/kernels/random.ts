import { type HostView, type Kernel, primitives, sizeOf } from "@heed/tensor";
import type { Launcher } from "../launch.ts";

/**
 * Random draws are made by the reference kernels on the host and uploaded, so that they are the same bits as on every
 * backend: kernels here compute in float32 and have no 32-bit integers. The report says `host`.
 */
export function randomKernels(launcher: Launcher): Record<string, Kernel> {
  const kernel =
    (name: "uniform" | "normal"): Kernel =>
    (_, [y], attributes) => {
      const values = new Float32Array(sizeOf(y!.shape));
      const view: HostView = { values, shape: y!.shape, dtype: "float32" };
      primitives[name].reference(
        [],
        [view],
        attributes as unknown as Parameters<typeof primitives.uniform.reference>[2],
      );
      launcher.store(y!, launcher.upload(values));
      launcher.ranOn = "host";
    };
  return { uniform: kernel("uniform"), normal: kernel("normal") };
}
