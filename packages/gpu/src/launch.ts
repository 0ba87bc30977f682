import { type BackendBuffer, type Operand, sizeOf } from "@heed/tensor";
import type { Device } from "./devices/device.ts";
import type { Program } from "./program.ts";
import { Value } from "./value.ts";
import type { WgslLimits, WgslProgram } from "./wgsl-program.ts";

/** A tensor's place: what it holds is replaced as a whole, never changed. */
export interface GpuTensorBuffer extends BackendBuffer {
  value: Value | undefined;
}

/** Largest number of elements whose positions float32 counts exactly: kernels of gpu.js count in it. */
export const largestIndexSpace = 2 ** 24;

/** One launch of a WGSL kernel. */
export interface WgslCall {
  readonly inputs: readonly Value[];
  /** elements of each output */
  readonly outputLengths: readonly number[];
  /** changed in place; each must come from `exclusive` */
  readonly updates?: readonly Value[];
  /** the numbers of the uniform, as they lie in memory; at most 256 bytes */
  readonly params: Uint32Array | Float32Array | Int32Array;
  readonly workgroups: readonly [number, number, number];
}

/** What kernels do with a device. */
export class Launcher {
  readonly device: Device;
  /** Where the operation that is being run took place, if not on the device. */
  ranOn: string | undefined;
  private filler: Value | undefined;

  constructor(device: Device) {
    this.device = device;
  }

  /** What WGSL kernels may use; undefined where the device has none. */
  get wgsl(): WgslLimits | undefined {
    return this.device.wgsl;
  }

  /** Whether the device is a processor that plays a GPU: its workgroup memory is no faster than the rest. */
  get isSoftware(): boolean {
    return /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(this.device.details["adapter"] ?? "");
  }

  /** The value of an operand. It belongs to the operand: retain it to keep it. */
  valueOf({ buffer, shape }: Operand): Value {
    const own = buffer as GpuTensorBuffer;
    return (own.value ??= this.upload(new Float32Array(sizeOf(shape))));
  }

  /** Gives an operand its value; takes over the reference. */
  store({ buffer }: Operand, value: Value): void {
    const own = buffer as GpuTensorBuffer;
    const before = own.value;
    own.value = value;
    before?.release();
  }

  upload(values: Float32Array): Value {
    this.checkLength(values.length, "write");
    if (values.length === 0) return this.empty();
    return new Value(this.device, values.length, this.device.upload(values));
  }

  constant(length: number, value: number): Value {
    return this.upload(new Float32Array(length).fill(value));
  }

  /** Runs a program over `length` elements; the result belongs to the caller. */
  run(program: Program, length: number, inputs: readonly Value[], numbers: readonly number[] = []): Value {
    if (inputs.length !== program.arrays || numbers.length !== program.numbers)
      throw new TypeError(
        `${program.key}: called with ${inputs.length} arrays and ${numbers.length} numbers, expected ${program.arrays} and ${program.numbers}`,
      );
    this.checkLength(length, program.key);
    if (length === 0) return this.empty();
    const data = inputs.map((input) => input.data);
    return new Value(this.device, length, this.device.run(program, length, data, numbers));
  }

  /** Runs a WGSL kernel; the results belong to the caller. */
  runWgsl(program: WgslProgram, { inputs, outputLengths, updates = [], params, workgroups }: WgslCall): Value[] {
    for (const length of outputLengths) this.checkLength(length, program.key);
    const found = this.device.runWgsl!(program, {
      inputs: inputs.map((input) => input.data),
      outputLengths,
      updates: updates.map((update) => update.data),
      params,
      workgroups,
    });
    this.ranOn = `${this.device.name} wgsl`;
    return found.map((data, i) => new Value(this.device, outputLengths[i]!, data));
  }

  /** The value of an operand that nobody else holds, to be changed in place: a copy of its own where it was shared. */
  exclusive(operand: Operand): Value {
    const value = this.valueOf(operand);
    if (!value.isShared) return value;
    const own = new Value(this.device, value.length, this.device.copy!(value.data));
    this.store(operand, own);
    return own;
  }

  /** A value without elements. Devices have no empty arrays: where it is an input, one zero stands in that is never read. */
  private empty(): Value {
    this.filler ??= new Value(this.device, 0, this.device.upload(new Float32Array(1)));
    return this.filler.retain();
  }

  private checkLength(length: number, where: string): void {
    const { maxLength, name } = this.device;
    if (length > maxLength)
      throw new RangeError(
        `${where}: a tensor of ${length} elements is too large for ${name}, expected at most ${maxLength}. Split it or use another backend`,
      );
  }
}
