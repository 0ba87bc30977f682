import type { Program } from "../program.ts";

/** What a device holds for one tensor: an array, a texture or a buffer. */
export type Data = unknown;

/** One mode of gpu.js. Each function is called with live data only. */
export interface Device {
  readonly name: "webgpu" | "webgl2" | "cpu";
  /** Named facts for `capabilities()`. */
  readonly details: Readonly<Record<string, string>>;
  /** Most float32 values that one tensor may hold. */
  readonly maxLength: number;
  upload(values: Float32Array): Data;
  /** Runs a program over `length` elements. */
  run(program: Program, length: number, inputs: readonly Data[], numbers: readonly number[]): Data | Promise<Data>;
  read(data: Data, length: number): Promise<Float32Array>;
  /** As `read`, at once; absent where the device cannot. */
  readSync?(data: Data, length: number): Float32Array;
  release(data: Data): void;
}
