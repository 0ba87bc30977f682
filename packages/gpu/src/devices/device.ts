import type { Program } from "../program.ts";
import type { WgslLimits, WgslProgram } from "../wgsl-program.ts";

/** What a device holds for one tensor: an array, a texture or a buffer. */
export type Data = unknown;

/** One launch of a kernel written in WGSL. */
export interface WgslLaunch<T> {
  readonly inputs: readonly T[];
  /** elements of each output */
  readonly outputLengths: readonly number[];
  readonly updates: readonly T[];
  /** the numbers of the uniform, as they lie in memory; at most 256 bytes */
  readonly params: Uint32Array | Float32Array | Int32Array;
  readonly workgroups: readonly [number, number, number];
}

/** What a device has done and holds. */
export interface DeviceStatistics {
  /** kernels started since the device was opened */
  readonly launches: number;
  /** times that commands were handed to the device */
  readonly submissions: number;
  /** buffers in use, and their bytes */
  readonly buffers: number;
  readonly bytes: number;
  /** buffers kept for the next tensor of their size */
  readonly pooledBuffers: number;
  readonly pooledBytes: number;
}

/** One mode of gpu.js. Each function is called with live data only. */
export interface Device {
  readonly name: "webgpu" | "webgl2" | "cpu";
  /** Named facts for `capabilities()`. */
  readonly details: Readonly<Record<string, string>>;
  /** Most float32 values that one tensor may hold. */
  readonly maxLength: number;
  upload(values: Float32Array): Data;
  /** Runs a program over `length` elements. */
  run(program: Program, length: number, inputs: readonly Data[], numbers: readonly number[]): Data;
  read(data: Data, length: number): Promise<Float32Array>;
  /** As `read`, at once; absent where the device cannot. */
  readSync?(data: Data, length: number): Float32Array;
  release(data: Data): void;
  /** What kernels written in WGSL may use; absent where there are none. */
  readonly wgsl?: WgslLimits;
  runWgsl?(program: WgslProgram, launch: WgslLaunch<Data>): Data[];
  copy?(data: Data): Data;
  /** Calls the listener when the device goes; returns how to stop listening. Absent where a device cannot go. */
  onLost?(listener: (error: Error) => void): () => void;
  statistics?(): DeviceStatistics;
  /** Gives the device back, and with it all that it holds. Absent where that cannot be asked for. */
  destroy?(): void;
}
