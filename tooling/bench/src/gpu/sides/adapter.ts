/**
 * The adapter's own ceilings: bytes copied by a kernel, with 4 or with 16 bytes per thread, whichever is faster, and float32 values
 * multiplied and added in registers.
 */
import type { GpuJob, GpuTask } from "../task.ts";

/** Bytes copied in one run; each is read once and written once. */
export const COPIED_BYTES = 32 * 2 ** 20;

const WORKGROUP = 64;
const ACCUMULATORS = 8;
const TURNS = 256;
const MULTIPLY_ADD_GROUPS = 256;

/** Floating-point operations of one run of "multiply-add": four lanes, a product and a sum each. */
export const MULTIPLY_ADD_FLOPS = MULTIPLY_ADD_GROUPS * WORKGROUP * TURNS * ACCUMULATORS * 8;

const copyText = (type: "f32" | "vec4f"): string => `
@group(0) @binding(0) var<storage, read> source: array<${type}>;
@group(0) @binding(1) var<storage, read_write> result: array<${type}>;
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let place = id.y * groups.x * ${WORKGROUP}u + id.x;
  result[place] = source[place];
}`;

const names = Array.from({ length: ACCUMULATORS }, (_, i) => `sum${i}`);

const multiplyAddText = `
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f>;
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let factor = source[id.x];
  let more = source[id.x + 1u];
${names.map((name, i) => `  var ${name} = factor + ${i}.0;`).join("\n")}
  for (var turn = 0u; turn < ${TURNS}u; turn++) {
${names.map((name) => `    ${name} = fma(${name}, factor, more);`).join("\n")}
  }
  result[id.x] = ${names.join(" + ")};
}`;

/** Writes one run into an encoder. */
type RecordFn = (encoder: GPUCommandEncoder) => void;

/** The buffers of a ceiling, on a device of its own. */
interface Bench {
  readonly device: GPUDevice;
  readonly source: GPUBuffer;
  readonly result: GPUBuffer;
  readonly staging: GPUBuffer;
}

async function openDevice(bytes: number): Promise<Bench> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) throw new Error("open: there is no adapter, expected one, got null. See the browser's flags.");
  const device = await adapter.requestDevice();
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const source = device.createBuffer({ size: bytes, usage: STORAGE | COPY_SRC | COPY_DST });
  const result = device.createBuffer({ size: bytes, usage: STORAGE | COPY_SRC | COPY_DST });
  const staging = device.createBuffer({ size: 16, usage: MAP_READ | COPY_DST });
  device.queue.writeBuffer(source, 0, new Float32Array(bytes / 4).fill(0.5));
  return { device, source, result, staging };
}

function kernel({ device, source, result }: Bench, code: string, groups: number): RecordFn {
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
  const bound = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [source, result].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  // At most 65,535 groups in one direction.
  const rows = Math.ceil(groups / 32768);
  return (encoder) => {
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bound);
    pass.dispatchWorkgroups(groups / rows, rows);
    pass.end();
  };
}

async function runRecorded({ device, result, staging }: Bench, record: RecordFn, repeat: number): Promise<void> {
  const encoder = device.createCommandEncoder();
  for (let i = 0; i < repeat; i++) record(encoder);
  encoder.copyBufferToBuffer(result, 0, staging, 0, 16);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  staging.unmap();
}

/** The fastest of several ways, by the better of two runs each. */
async function fastest(bench: Bench, ways: Readonly<Record<string, RecordFn>>): Promise<[name: string, RecordFn]> {
  const times: [number, string, RecordFn][] = [];
  for (const [name, record] of Object.entries(ways)) {
    await runRecorded(bench, record, 1);
    for (let i = 0; i < 2; i++) {
      const start = performance.now();
      await runRecorded(bench, record, 2);
      times.push([performance.now() - start, name, record]);
    }
  }
  const [, name, record] = times.sort(([a], [b]) => a - b)[0] as [number, string, RecordFn];
  return [name, record];
}

/** Opens a ceiling. */
export async function open(task: GpuTask): Promise<GpuJob | undefined> {
  if (task.kind !== "copy" && task.kind !== "multiply-add") return undefined;
  const bytes = task.kind === "copy" ? COPIED_BYTES : 2 * MULTIPLY_ADD_GROUPS * WORKGROUP * 16;
  const bench = await openDevice(bytes);
  const ways: Readonly<Record<string, RecordFn>> =
    task.kind === "multiply-add"
      ? { kernel: kernel(bench, multiplyAddText, MULTIPLY_ADD_GROUPS) }
      : {
          "kernel, 16 bytes per thread": kernel(bench, copyText("vec4f"), bytes / 16 / WORKGROUP),
          "kernel, 4 bytes per thread": kernel(bench, copyText("f32"), bytes / 4 / WORKGROUP),
        };
  const [way, record] = await fastest(bench, ways);
  return {
    about: { [task.kind]: way },
    run: (repeat) => runRecorded(bench, record, repeat),
    witness: async () => [],
    close: () => bench.device.destroy(),
  };
}
