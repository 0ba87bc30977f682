import {
  type GpuBindGroup,
  type GpuBuffer,
  type GpuCommandEncoder,
  type GpuComputePass,
  type GpuDevice,
  type GpuPipeline,
  usage,
} from "../../web-gpu.ts";

/** Bytes of all uniforms of one submission. */
const uniformRoom = 2 ** 18;
/** Launches of one submission: enough to hide its cost, few enough for the GPU to start while the host still records. */
const mostLaunches = 512;

/** One launch of a pipeline. */
export interface Launch {
  readonly pipeline: GpuPipeline;
  readonly layout: unknown;
  readonly buffers: readonly { readonly buffer: GpuBuffer; readonly bytes: number; readonly offset?: number }[];
  readonly uniformBytes: number;
  /** Writes the numbers of the launch; returns the workgroups. */
  fill(uniform: DataView): readonly [number, number, number];
}

/**
 * Records launches and copies into one command buffer, which is submitted when somebody reads or when it is full.
 * The numbers of all launches travel in one write just before.
 */
export class Recorder {
  private readonly device: GpuDevice;
  private readonly uniforms: GpuBuffer;
  private readonly mirror = new ArrayBuffer(uniformRoom);
  private readonly alignment: number;
  private readonly onSubmit: (submission: number) => void;
  private encoder: GpuCommandEncoder | undefined;
  private pass: GpuComputePass | undefined;
  private used = 0;
  private recorded = 0;
  launches = 0;
  submissions = 0;

  constructor(device: GpuDevice, onSubmit: (submission: number) => void) {
    this.device = device;
    this.onSubmit = onSubmit;
    this.alignment = device.limits.minUniformBufferOffsetAlignment;
    this.uniforms = device.createBuffer({ size: uniformRoom, usage: usage.uniform | usage.copyDestination });
  }

  launch({ pipeline, layout, buffers, uniformBytes, fill }: Launch): void {
    if (this.used + uniformBytes > uniformRoom || this.recorded === mostLaunches) this.submit();
    const offset = this.used;
    this.used = Math.ceil((offset + uniformBytes) / this.alignment) * this.alignment;
    const [x, y, z] = fill(new DataView(this.mirror, offset, uniformBytes));
    if (x * y * z === 0) return;
    this.encoder ??= this.device.createCommandEncoder();
    this.pass ??= this.encoder.beginComputePass();
    this.pass.setPipeline(pipeline);
    this.pass.setBindGroup(0, this.bindGroup(layout, buffers, uniformBytes), [offset]);
    this.pass.dispatchWorkgroups(x, y, z);
    this.recorded++;
    this.launches++;
  }

  private bindGroup(layout: unknown, buffers: Launch["buffers"], uniformBytes: number): GpuBindGroup {
    return this.device.createBindGroup({
      layout,
      entries: [
        { binding: 0, resource: { buffer: this.uniforms, offset: 0, size: uniformBytes } },
        ...buffers.map(({ buffer, bytes, offset = 0 }, i) => ({
          binding: 1 + i,
          resource: { buffer, offset, size: bytes },
        })),
      ],
    });
  }

  copy(from: GpuBuffer, to: GpuBuffer, bytes: number): void {
    this.encoder ??= this.device.createCommandEncoder();
    this.pass?.end();
    this.pass = undefined;
    this.encoder.copyBufferToBuffer(from, 0, to, 0, bytes);
    this.recorded++;
  }

  submit(): void {
    if (!this.encoder) return;
    this.pass?.end();
    if (this.used > 0) this.device.queue.writeBuffer(this.uniforms, 0, new Uint8Array(this.mirror), 0, this.used);
    this.device.queue.submit([this.encoder.finish()]);
    this.encoder = this.pass = undefined;
    this.used = this.recorded = 0;
    this.submissions++;
    this.onSubmit(this.submissions);
  }

  /** Forgets what is recorded. */
  discard(): void {
    this.pass?.end();
    this.encoder = this.pass = undefined;
    this.used = this.recorded = 0;
  }
}
