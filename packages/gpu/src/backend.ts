import {
  type Backend,
  type BackendBuffer,
  type DType,
  type Kernel,
  kernelCounter,
  type TypedArray,
} from "@heed/tensor";
import type { Device, DeviceStatistics } from "./devices/device.ts";
import { activationKernels } from "./kernels/activations.ts";
import { adamwKernels } from "./kernels/adamw.ts";
import { attentionKernels } from "./kernels/attention.ts";
import { crossEntropyKernels } from "./kernels/cross-entropy.ts";
import { elementwiseKernels } from "./kernels/elementwise.ts";
import { gatherKernels } from "./kernels/gather.ts";
import { globalNormKernels } from "./kernels/global-norm.ts";
import { matmulKernels } from "./kernels/matmul.ts";
import { moveKernels } from "./kernels/move.ts";
import { normKernels } from "./kernels/norm.ts";
import { randomKernels } from "./kernels/random.ts";
import { reduceKernels } from "./kernels/reduce.ts";
import { softmaxKernels } from "./kernels/softmax.ts";
import { topKKernels } from "./kernels/top-k.ts";
import { type GpuTensorBuffer, Launcher, largestIndexSpace } from "./launch.ts";
import { wgslKernels } from "./wgsl/index.ts";

/** A backend on a GPU, or on gpu.js's portable mode. */
export interface GpuBackend extends Backend {
  /** Where kernels run. */
  readonly mode: Device["name"];
  /** The modes that were asked before this one, each with the reason why it is not there. */
  readonly unavailable: Readonly<Record<string, string>>;
  /**
   * Calls the listener with a `DeviceLostError` when the device goes, at once if it is gone; returns how to stop listening.
   * Tensors on it are lost: call `useGpu` again and load the last snapshot.
   */
  onLost(listener: (error: Error) => void): () => void;
  /** Gives the WebGPU device back, with every tensor on it: using one then is a `DeviceLostError`. Nothing on the other modes. */
  destroy(): void;
  /** What the device has done and holds; undefined where that is not known. */
  statistics(): DeviceStatistics | undefined;
}

const gpuBuffer = (buffer: BackendBuffer) => buffer as GpuTensorBuffer;

/** Host values as the device keeps them: float32, whole numbers exact. */
function toFloats(values: TypedArray): Float32Array {
  if (values instanceof Float32Array) return values;
  const floats = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (values instanceof Int32Array && Math.abs(value) > largestIndexSpace) throw tooLarge("write", i, value);
    floats[i] = value;
  }
  return floats;
}

const tooLarge = (where: string, position: number, value: number): RangeError =>
  new RangeError(
    `${where}: int32 value at position ${position} is not exact on this backend, expected at most 2^24 in size, got ${value}. Use the default backend for larger whole numbers`,
  );

function fromFloats(floats: Float32Array, dtype: DType): TypedArray {
  if (dtype === "float32") return floats;
  if (dtype === "bool") return Uint8Array.from(floats);
  floats.forEach((value, i) => {
    if (!(Math.abs(value) <= largestIndexSpace)) throw tooLarge("read", i, value);
  });
  return Int32Array.from(floats);
}

/** All kernels of gpu.js. */
const gpuJsKernels = (launcher: Launcher): Record<string, Kernel> => ({
  ...elementwiseKernels(launcher),
  ...moveKernels(launcher),
  ...reduceKernels(launcher),
  ...gatherKernels(launcher),
  ...matmulKernels(launcher),
  ...topKKernels(launcher),
  ...adamwKernels(launcher),
  ...randomKernels(launcher),
  ...activationKernels(launcher),
  ...softmaxKernels(launcher),
  ...normKernels(launcher),
  ...crossEntropyKernels(launcher),
  ...attentionKernels(launcher),
  ...globalNormKernels(launcher),
});

/** Kernels that are tried first; where one declines, the other table's runs. */
function firstOf(first: Readonly<Record<string, Kernel>>, others: Record<string, Kernel>): Record<string, Kernel> {
  const both = Object.entries(first).map(([name, kernel]): [string, Kernel] => {
    const other = others[name];
    if (!other) return [name, kernel];
    return [name, (...operands) => kernel(...operands) !== false || other(...operands)];
  });
  return { ...others, ...Object.fromEntries(both) };
}

/** A backend over one device. */
export function backendOn(
  device: Device,
  { strict, unavailable }: { readonly strict: boolean; readonly unavailable: Readonly<Record<string, string>> },
): GpuBackend {
  const launcher = new Launcher(device);
  const counter = kernelCounter();
  const write = (buffer: BackendBuffer, values: TypedArray): void => {
    if (values.byteLength !== buffer.bytes)
      throw new RangeError(
        `write: values have ${values.byteLength} bytes, expected all ${buffer.bytes} of the buffer. Write whole tensors`,
      );
    const own = gpuBuffer(buffer);
    own.value?.release();
    own.value = undefined;
    own.value = launcher.upload(toFloats(values));
  };
  const read = async (buffer: BackendBuffer, dtype: DType, length: number): Promise<TypedArray> => {
    const { value } = gpuBuffer(buffer);
    if (!value || length === 0) return fromFloats(new Float32Array(length), dtype);
    value.retain();
    try {
      return fromFloats(await device.read(value.data, length), dtype);
    } finally {
      value.release();
    }
  };
  const { readSync } = device;
  const readNow = (buffer: BackendBuffer, dtype: DType, length: number): TypedArray => {
    const { value } = gpuBuffer(buffer);
    return fromFloats(!value || length === 0 ? new Float32Array(length) : readSync!(value.data, length), dtype);
  };
  return {
    name: device.name === "cpu" ? "gpu.js cpu" : device.name,
    mode: device.name,
    unavailable,
    strict,
    kernels: launcher.wgsl ? firstOf(wgslKernels(launcher), gpuJsKernels(launcher)) : gpuJsKernels(launcher),
    supports: (dtype) => dtype !== "float64",
    allocate: (bytes): GpuTensorBuffer => ({ bytes, value: undefined }),
    free(buffer) {
      const own = gpuBuffer(buffer);
      own.value?.release();
      own.value = undefined;
    },
    write,
    read,
    ...(readSync && { readSync: readNow }),
    capabilities: () => ({
      dtypes: ["float32", "int32", "bool"],
      threads: 1,
      details: {
        ...device.details,
        int32: "exact up to 2^24",
        ...Object.fromEntries(Object.entries(unavailable).map(([mode, reason]) => [`no ${mode}`, reason])),
      },
    }),
    count(op, kernel) {
      counter.count(op, launcher.ranOn ?? kernel);
      launcher.ranOn = undefined;
    },
    onLost: (listener) => device.onLost?.(listener) ?? (() => {}),
    destroy: () => device.destroy?.(),
    statistics: () => device.statistics?.(),
    report: counter.report,
    resetReport: counter.resetReport,
  };
}
